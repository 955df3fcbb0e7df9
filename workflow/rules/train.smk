# One job per replication, run and seed; and the experiments that measure something beside them.


rule train:
    input:
        lambda wildcards: [
            prepared(PLANS[wildcards.replication], file) for file in layout.PREPARED
        ],
    output:
        [
            f"{RESULTS}/{{replication}}/{{run}}/{{seed}}/{file}"
            for file in layout.RUN_FILES
        ],
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
        source=lambda wildcards: training_hash(wildcards.replication),
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


rule experiment:
    input:
        lambda wildcards: [
            f"{RESULTS}/{wildcards.replication}/{run}/{seed}/history.csv"
            for run in PLANS[wildcards.replication]
            .experiments[wildcards.experiment]
            .histories
            for seed in range(PLANS[wildcards.replication].seeds)
        ],
    output:
        [
            f"{RESULTS}/{{replication}}/{{experiment}}/{file}"
            for file in layout.EXPERIMENT_FILES
        ],
    log:
        f"{RESULTS}/logs/experiment/{{replication}}/{{experiment}}.log",
    threads:
        lambda wildcards: (
            workflow.cores
            if PLANS[wildcards.replication].experiments[wildcards.experiment].alone
            else 1
        )
    params:
        plan=lambda wildcards: PLANS[wildcards.replication].experiment_fingerprint(
            wildcards.experiment
        ),
        source=lambda wildcards: source.experiment_hash(
            wildcards.replication, wildcards.experiment
        ),
        folder=lambda wildcards, output: Path(output[0]).parents[1],
        study=STUDY.study,
    shell:
        "python -m replications.{wildcards.replication}.{wildcards.experiment}"
        " --study {params.study} --folder {params.folder} 2>&1 | tee {log}"
