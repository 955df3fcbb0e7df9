# Run folders -> tidy tables -> LaTeX tables, figures, numbers; no torch from here on.


rule summarise:
    input:
        lambda wildcards: run_files(
            wildcards.replication,
            ["metrics.json", "cost.json", "provenance.json", "history.csv"],
        ),
        lambda wildcards: experiment_files(wildcards.replication),
    output:
        SUMMARY,
    log:
        f"{RESULTS}/logs/summarise/{{replication}}.log",
    params:
        source=evidence_hash(),
        plan=lambda wildcards: PLANS[wildcards.replication].digest(),
        folder=lambda wildcards, output: Path(output[0]).parent,
        study=STUDY.study,
    shell:
        "python -m replications.core.evidence.summarise --replication {wildcards.replication}"
        " --study {params.study} --folder {params.folder} 2>&1 | tee {log}"


rule latex:
    input:
        SUMMARY,
        lambda wildcards: run_files(wildcards.replication, ["provenance.json"]),
        lambda wildcards: experiment_files(wildcards.replication),
        "replications/{replication}/reported.csv",
    output:
        [f"{RESULTS}/{{replication}}/{file}" for file in layout.LATEX],
        f"{RESULTS}/{{replication}}/numbers.tex",
    log:
        f"{RESULTS}/logs/latex/{{replication}}.log",
    params:
        source=evidence_hash(),
        plan=lambda wildcards: PLANS[wildcards.replication].digest(),
        folder=lambda wildcards, output: Path(output[0]).parent,
        study=STUDY.study,
    shell:
        "python -m replications.core.evidence.latex --replication {wildcards.replication}"
        " --study {params.study} --folder {params.folder} 2>&1 | tee {log}"


# One rule per replication, since each has figures of its own.
for _name, _plan in PLANS.items():

    rule:
        name:
            f"figures_{_name}"
        input:
            expand(SUMMARY, replication=_name),
            experiment_files(_name),
            run_files(_name, ["examples.npz", "history.csv"]),
            dataset=prepared(_plan, "dataset.json"),
        output:
            [f"{RESULTS}/{_name}/{figure}.pdf" for figure in layout.figures(_plan)],
            report(
                [
                    f"{RESULTS}/{_name}/{figure}.svg"
                    for figure in layout.figures(_plan)
                ],
                caption="../report/figures.rst",
                category=_name,
            ),
        log:
            f"{RESULTS}/logs/figures/{_name}.log",
        params:
            source=evidence_hash(_name),
            plan=_plan.digest(),
            folder=lambda wildcards, output: Path(output[0]).parent,
            replication=_name,
            study=STUDY.study,
        shell:
            "python -m replications.core.evidence.figures --replication {params.replication}"
            " --study {params.study} --folder {params.folder} --dataset {input.dataset}"
            " 2>&1 | tee {log}"


# `snakemake uncertainty`: one rule per replication, named after its folder; with its parts.
for _name in PLANS:

    rule:
        name:
            _name
        input:
            of_replication(_name),
            [
                of_replication(part)
                for part, plan in PLANS.items()
                if plan.replication.part_of == _name
            ],


rule overview:
    input:
        [expand(SUMMARY, replication=name) for name in PLANS],
    output:
        f"{RESULTS}/efficiency.csv",
        [f"{RESULTS}/{file}" for file in layout.OVERVIEW],
        report(
            f"{RESULTS}/figure_plane.svg",
            caption="../report/plane.rst",
            category="Overview",
        ),
    log:
        f"{RESULTS}/logs/overview.log",
    params:
        source=evidence_hash(),
        replications=list(PLANS),
        plans=[plan.digest() for plan in PLANS.values()],
        results=lambda wildcards, output: Path(output[0]).parent,
        study=STUDY.study,
    shell:
        "python -m replications.core.evidence.overview --study {params.study}"
        " --folder {params.results} --replications {params.replications} 2>&1 | tee {log}"


rule join:
    input:
        rules.overview.output,
        [of_replication(name) for name in PLANS],
        dataset=DESCRIBED,
    output:
        report(
            [f"{RESULTS}/{table}" for table in layout.TABLES],
            caption="../report/tables.rst",
            category="Tables",
        ),
        GENERATED,
    log:
        f"{RESULTS}/logs/join.log",
    params:
        source=evidence_hash(),
        replications=list(PLANS),
        plans=[plan.digest() for plan in PLANS.values()],
        results=lambda wildcards, output: Path(output[0]).parent,
        study=STUDY.study,
    shell:
        "python -m replications.core.evidence.join --study {params.study}"
        " --folder {params.results} --replications {params.replications}"
        " --dataset {input.dataset} 2>&1 | tee {log}"


# `snakemake publish`: the study's tables, figures and origins, to be committed.
rule publish:
    input:
        rules.join.output,
        [run_files(name, ["provenance.json"]) for name in PLANS],
        [experiment_files(name) for name in PLANS],
    log:
        f"{RESULTS}/logs/publish.log",
    params:
        replications=list(PLANS),
        results=lambda wildcards, input: Path(input[0]).parent,
        study=STUDY.study,
    shell:
        "python -m replications.core.evidence.publish --study {params.study}"
        " --folder {params.results} --replications {params.replications}"
        " --output results/published 2>&1 | tee {log}"


# How this build's values compare with the published ones.
rule compare:
    input:
        rebuilt=f"{RESULTS}/runs.csv",
        published="results/published/runs.csv",
        study="results/published/study.json",
    output:
        report(
            f"{RESULTS}/published.csv",
            caption="../report/published.rst",
            category="Tables",
        ),
    log:
        f"{RESULTS}/logs/compare.log",
    params:
        source=evidence_hash(),
    shell:
        "python -m replications.core.evidence.compare --rebuilt {input.rebuilt}"
        " --published {input.published} --study {input.study} --output {output} 2>&1 | tee {log}"
