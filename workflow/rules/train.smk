# One job per replication, run and seed; and the experiments that measure something beside them.


rule train:
    input:
        training_inputs,
    output:
        # Of a run folder, which is replaced as a whole, and not deleted beforehand: what is there
        # stays until a training has ended.
        [
            update(f"{RESULTS}/{{replication}}/{{run}}/{{seed}}/{file}")
            for file in ("metrics.json", layout.ORIGIN)
        ],
    log:
        f"{RESULTS}/logs/train/{{replication}}/{{run}}/{{seed}}.log",
    threads: STUDY.config.threads
    resources:
        gpu=int(DEVICE == "cuda"),
        mem_mb=3000,
        # No parameter: how many share a device changes nothing that is trained.
        per_gpu=STUDY.config.trainings_per_gpu,
        # Seconds without a word until it is taken to hang.
        silent=60 * STUDY.config.hung_after_minutes,
    params:
        folder=f"{RESULTS}/{{replication}}/{{run}}/{{seed}}",
        # Beside the run folder, which a training replaces when it ends.
        checkpoint=f"{RESULTS}/checkpoints/{{replication}}/{{run}}/{{seed}}.pt",
        study=STUDY.config.study,
        device=DEVICE,
        torch_threads=STUDY.config.threads,
    shell:
        "python workflow/scripts/warm.py run --silent {resources.silent}"
        " replications.core.engine.train"
        " --replication {wildcards.replication}"
        " --study {params.study} --run {wildcards.run} --seed {wildcards.seed}"
        " --output {params.folder} --checkpoint {params.checkpoint}"
        " --device {params.device} --threads {params.torch_threads}"
        " --per-gpu {resources.per_gpu} > {log} 2>&1"


# What a prediction reaches that does not look at its input.
rule floor:
    input:
        lambda wildcards: (
            f"{TRAINING[wildcards.replication].data.folder}/{layout.DESCRIPTION}"
        ),
        newer=lambda wildcards: again(floor_is_stale(wildcards.replication)),
    output:
        [
            update(f"{RESULTS}/{{replication}}/{layout.FLOOR}/{file}")
            for file in layout.FLOOR_FILES
        ],
    log:
        f"{RESULTS}/logs/floor/{{replication}}.log",
    params:
        folder=lambda wildcards, output: Path(output[0]).parents[1],
        study=STUDY.config.study,
    shell:
        "python workflow/scripts/warm.py run replications.core.engine.floor"
        " --replication {wildcards.replication}"
        " --study {params.study} --folder {params.folder} > {log} 2>&1"


rule experiment:
    input:
        lambda wildcards: [
            f"{RESULTS}/{wildcards.replication}/{run}/{seed}/{layout.ORIGIN}"
            for run in PLANS[wildcards.replication]
            .experiments[wildcards.experiment]
            .histories
            for seed in PLANS[wildcards.replication].seed_numbers
        ],
        newer=lambda wildcards: again(
            origin.is_stale(
                Path(RESULTS, wildcards.replication, wildcards.experiment),
                origin.of_experiment(
                    PLANS[wildcards.replication], wildcards.experiment
                ),
            )
        ),
    output:
        [
            update(f"{RESULTS}/{{replication}}/{{experiment}}/{file}")
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
        folder=lambda wildcards, output: Path(output[0]).parents[1],
        study=STUDY.config.study,
    shell:
        "python workflow/scripts/warm.py run"
        " replications.{wildcards.replication}.{wildcards.experiment}"
        " --study {params.study} --folder {params.folder} > {log} 2>&1"
