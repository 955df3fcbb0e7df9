# Run folders -> tidy tables -> LaTeX tables, figures, numbers; no torch from here on.


rule summarise:
    input:
        lambda wildcards: run_files(
            wildcards.replication,
            ["metrics.json", "cost.json", "provenance.json", "history.csv"],
        ),
    output:
        SUMMARY,
    log:
        f"{RESULTS}/logs/summarise/{{replication}}.log",
    params:
        source=source.evidence_hash(),
        plan=lambda wildcards: PLANS[wildcards.replication].digest(),
        folder=lambda wildcards, output: Path(output[0]).parent,
        study=STUDY.study,
    shell:
        "python -m replications.core.evidence.summarise --replication {wildcards.replication}"
        " --study {params.study} --folder {params.folder} 2>&1 | tee {log}"


rule latex:
    input:
        SUMMARY,
        "replications/{replication}/reported.csv",
    output:
        f"{RESULTS}/{{replication}}/table_results.tex",
        f"{RESULTS}/{{replication}}/numbers.tex",
    log:
        f"{RESULTS}/logs/latex/{{replication}}.log",
    params:
        source=source.evidence_hash(),
        plan=lambda wildcards: PLANS[wildcards.replication].digest(),
        folder=lambda wildcards, output: Path(output[0]).parent,
        study=STUDY.study,
    shell:
        "python -m replications.core.evidence.latex --replication {wildcards.replication}"
        " --study {params.study} --folder {params.folder} 2>&1 | tee {log}"


rule figures:
    input:
        SUMMARY,
        lambda wildcards: run_files(wildcards.replication, ["examples.npz"]),
        dataset=lambda wildcards: prepared(PLANS[wildcards.replication], "dataset.json"),
    output:
        [f"{RESULTS}/{{replication}}/{figure}.pdf" for figure in FIGURES],
        report(
            [f"{RESULTS}/{{replication}}/{figure}.svg" for figure in FIGURES],
            caption="../report/figures.rst",
            category="{replication}",
        ),
    log:
        f"{RESULTS}/logs/figures/{{replication}}.log",
    params:
        source=source.evidence_hash(),
        plan=lambda wildcards: PLANS[wildcards.replication].digest(),
        folder=lambda wildcards, output: Path(output[0]).parent,
        study=STUDY.study,
    shell:
        "python -m replications.core.evidence.figures --replication {wildcards.replication}"
        " --study {params.study} --folder {params.folder} --dataset {input.dataset}"
        " 2>&1 | tee {log}"


# `snakemake uncertainty`: one rule per replication, named after its folder.
for _name in PLANS:

    rule:
        name:
            _name
        input:
            of_replication(_name),


rule join:
    input:
        [of_replication(name) for name in PLANS],
        dataset=prepared(next(iter(PLANS.values())), "dataset.json"),
    output:
        report(
            [f"{RESULTS}/{table}" for table in TABLES],
            caption="../report/tables.rst",
            category="Tables",
        ),
        GENERATED,
    log:
        f"{RESULTS}/logs/join.log",
    params:
        source=source.evidence_hash(),
        replications=list(PLANS),
        plans=[plan.digest() for plan in PLANS.values()],
        results=lambda wildcards, output: Path(output[0]).parent,
        study=STUDY.study,
    shell:
        "python -m replications.core.evidence.join --study {params.study}"
        " --folder {params.results} --replications {params.replications}"
        " --dataset {input.dataset} 2>&1 | tee {log}"
