# One job per replication, run and seed.


rule train:
    input:
        lambda wildcards: [
            prepared(PLANS[wildcards.replication], file) for file in PREPARED
        ],
    output:
        [f"{RESULTS}/{{replication}}/{{run}}/{{seed}}/{file}" for file in RUN_FILES],
    log:
        f"{RESULTS}/logs/train/{{replication}}/{{run}}/{{seed}}.log",
    threads: STUDY.threads
    resources:
        gpu=int(HAS_CUDA),
        mem_mb=3000,
    params:
        # What a training depends on besides its inputs; a change of either retrains.
        settings=lambda wildcards: PLANS[wildcards.replication].run_fingerprint(
            wildcards.run
        ),
        source=lambda wildcards: source.training_hash(wildcards.replication),
        torch=version("torch"),
        data=lambda wildcards, input: Path(input[0]).parent,
        folder=lambda wildcards, output: Path(output[0]).parent,
        # Beside the run folder, not in it: Snakemake deletes the outputs of a killed job.
        checkpoint=f"{RESULTS}/checkpoints/{{replication}}/{{run}}/{{seed}}.pt",
        study=STUDY.study,
        device=STUDY.device,
    shell:
        "python -m replications.core.engine.train --replication {wildcards.replication}"
        " --study {params.study} --run {wildcards.run} --seed {wildcards.seed}"
        " --data {params.data} --output {params.folder} --checkpoint {params.checkpoint}"
        " --device {params.device} --threads {threads} 2>&1 | tee {log}"
