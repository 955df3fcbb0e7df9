# Run folders -> tidy tables -> LaTeX tables, figures, numbers; no torch from here on.

TABLES = ["runs.csv", "costs.csv", "delta_m.csv", "claims.csv"]
SUMMARY = [RESULTS + "/{replication}/" + table for table in TABLES]
FIGURES = ["figure_examples", "figure_delta_m"]
GENERATED = [
    f"{RESULTS}/generated/{file}"
    for file in [
        "numbers.tex",
        *[f"{name}/table_results.tex" for name in PLANS],
        *[f"{name}/{figure}.pdf" for name in PLANS for figure in FIGURES],
    ]
]


rule summarise:
    input:
        run_files(["metrics.json", "cost.json", "provenance.json", "history.csv"]),
        "replications/{replication}/replication.yaml",
    output:
        SUMMARY,
    params:
        source=source.evidence_hash(),
        folder=RESULTS + "/{replication}",
        study=STUDY.study,
    log:
        RESULTS + "/logs/summarise/{replication}.log",
    shell:
        "python -m replications.core.evidence.summarise --replication {wildcards.replication}"
        " --study {params.study} --folder {params.folder} 2>&1 | tee {log}"


rule latex:
    input:
        SUMMARY,
        "replications/{replication}/replication.yaml",
        "replications/{replication}/reported.csv",
    output:
        RESULTS + "/{replication}/table_results.tex",
        RESULTS + "/{replication}/numbers.tex",
    params:
        source=source.evidence_hash(),
        folder=RESULTS + "/{replication}",
        study=STUDY.study,
    log:
        RESULTS + "/logs/latex/{replication}.log",
    shell:
        "python -m replications.core.evidence.latex --replication {wildcards.replication}"
        " --study {params.study} --folder {params.folder} 2>&1 | tee {log}"


rule figures:
    input:
        SUMMARY,
        run_files(["examples.npz"]),
        dataset=lambda wildcards: prepared(PLANS[wildcards.replication])
        + "/dataset.json",
    output:
        expand(
            RESULTS + "/{{replication}}/{figure}.pdf",
            figure=FIGURES,
        ),
        report(
            expand(RESULTS + "/{{replication}}/{figure}.svg", figure=FIGURES),
            caption="../report/figures.rst",
            category="{replication}",
        ),
    params:
        source=source.evidence_hash(),
        folder=RESULTS + "/{replication}",
        study=STUDY.study,
    log:
        RESULTS + "/logs/figures/{replication}.log",
    shell:
        "python -m replications.core.evidence.figures --replication {wildcards.replication}"
        " --study {params.study} --folder {params.folder} --dataset {input.dataset}"
        " 2>&1 | tee {log}"


def of_replication(name):
    """Everything that is built for one replication."""
    folder = f"{RESULTS}/{name}"
    return [
        *(f"{folder}/{table}" for table in TABLES),
        *(f"{folder}/{figure}.pdf" for figure in FIGURES),
        f"{folder}/table_results.tex",
        f"{folder}/numbers.tex",
    ]


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
        dataset=prepared(next(iter(PLANS.values()))) + "/dataset.json",
    output:
        report(
            expand("{results}/{table}", results=RESULTS, table=TABLES),
            caption="../report/tables.rst",
            category="Tables",
        ),
        GENERATED,
    params:
        source=source.evidence_hash(),
        replications=list(PLANS),
        results=RESULTS,
        study=STUDY.study,
    log:
        RESULTS + "/logs/join.log",
    shell:
        "python -m replications.core.evidence.join --study {params.study}"
        " --folder {params.results} --replications {params.replications}"
        " --dataset {input.dataset} 2>&1 | tee {log}"
