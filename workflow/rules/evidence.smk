# Run folders -> tidy tables, LaTeX and figures -> what a paper inputs; no torch from here on.

EVIDENCE = (
    f"python -m replications.core.evidence {{stage}} --study {STUDY.config.study}"
)


# One rule per replication, since each has figures of its own.
for _name, _plan in PLANS.items():

    rule:
        name:
            f"summarise_{_name}"
        input:
            run_files(_name, [layout.ORIGIN, "metrics.json"]),
            experiment_files(_name),
            floor_files(_name),
            f"replications/{_name}/reported.csv",
            f"{_plan.data.folder}/{layout.DESCRIPTION}",
            newer=lambda wildcards, name=_name: again(
                origin.is_stale(Path(RESULTS, name), evidence_origin(name))
            ),
        output:
            [
                f"{RESULTS}/{_name}/{file}"
                for file in (
                    *layout.TABLES,
                    *layout.LATEX,
                    "numbers.tex",
                    layout.ORIGIN,
                )
            ],
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
            f"{RESULTS}/logs/summarise/{_name}.log",
        params:
            command=EVIDENCE.format(stage="summarise"),
            folder=lambda wildcards, output: Path(output[0]).parent,
            replication=_name,
        shell:
            "{params.command} --replication {params.replication} --folder {params.folder}"
            " > {log} 2>&1"

    # Tables, figures and origins, to be committed.
    rule:
        name:
            f"publish_{_name}"
        input:
            f"{RESULTS}/{_name}/{layout.ORIGIN}",
            run_files(_name, [layout.ORIGIN]),
            experiment_files(_name),
            floor_files(_name),
        output:
            update(f"{PUBLISHED}/{_name}/{layout.ORIGIN}"),
        log:
            f"{RESULTS}/logs/publish/{_name}.log",
        params:
            command=EVIDENCE.format(stage="publish"),
            folder=lambda wildcards, input: Path(input[0]).parent,
            output=lambda wildcards, output: Path(output[0]).parent,
            replication=_name,
        shell:
            "{params.command} --replication {params.replication} --folder {params.folder}"
            " --output {params.output} > {log} 2>&1"


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


for _family, _names in FAMILIES.items():

    rule:
        name:
            f"join_{_family}"
        input:
            [of_replication(name) for name in _names],
            [f"{RESULTS}/{name}/{layout.ORIGIN}" for name in _names],
            [f"{PUBLISHED}/{name}/numbers.tex" for name in published_elsewhere(_names)],
            [f"{PUBLISHED}/{name}/numbers.tex" for name in of_other_domains(_names)],
            newer=lambda wildcards, family=_family, names=tuple(_names): again(
                origin.is_stale(
                    Path(RESULTS, family),
                    origin.of_joined({name: evidence_origin(name) for name in names}),
                )
            ),
        output:
            report(
                [f"{RESULTS}/{_family}/{table}" for table in layout.TABLES],
                caption="../report/tables.rst",
                category="Tables",
            ),
            [
                f"{RESULTS}/{_family}/generated/{file}"
                for file in layout.for_paper([PLANS[name] for name in _names])
            ],
            report(
                [
                    f"{RESULTS}/{_family}/{figure}.svg"
                    for figure in layout.family_figures(
                        [PLANS[name] for name in _names]
                    )
                ],
                caption="../report/overview.rst",
                category="Overview",
            ),
            f"{RESULTS}/{_family}/efficiency.csv",
            f"{RESULTS}/{_family}/{layout.ORIGIN}",
        log:
            f"{RESULTS}/logs/join-{_family}.log",
        params:
            folder=lambda wildcards, output: Path(output[0]).parent,
            sources=lambda wildcards, output: Path(output[0]).parents[1],
            replications=_names,
        shell:
            "python -m replications.core.evidence join --sources {params.sources}"
            " --replications {params.replications} --folder {params.folder} > {log} 2>&1"

    # What a draft inputs: of the replications that are published. They are no input, or it would
    # depend on publishing.
    rule:
        name:
            f"join_published_{_family}"
        input:
            newer=lambda wildcards, family=_family: again(
                origin.is_stale(
                    Path(DRAFT, family), published_origin(published_of(family))
                )
            ),
        output:
            f"{DRAFT}/{_family}/generated/numbers.tex",
            f"{DRAFT}/{_family}/{layout.ORIGIN}",
        log:
            f"results/logs/join-published-{_family}.log",
        params:
            folder=lambda wildcards, output: Path(output[1]).parent,
            sources=lambda wildcards, output: Path(output[0]).parents[3] / "published",
            replications=published_of(_family),
        shell:
            "python -m replications.core.evidence join --sources {params.sources}"
            " --replications {params.replications} --folder {params.folder} > {log} 2>&1"

    # How this build's values compare with the published ones.
    rule:
        name:
            f"compare_{_family}"
        input:
            f"{RESULTS}/{_family}/runs.csv",
            [f"{PUBLISHED}/{name}/runs.csv" for name in published_names(_names)],
        output:
            report(
                f"{RESULTS}/{_family}/published.csv",
                caption="../report/published.rst",
                category="Tables",
            ),
        log:
            f"{RESULTS}/logs/compare-{_family}.log",
        params:
            folder=lambda wildcards, output: Path(output[0]).parent,
            published=lambda wildcards, input: [Path(file).parent for file in input[1:]],
        shell:
            "python -m replications.core.evidence compare --folder {params.folder}"
            " --published {params.published} > {log} 2>&1"


# Learning rates, chosen on validation: `snakemake tune --config study=tuning` writes what the
# studies that are `tuned` read; studies like `tuning_camvid` write files of their own.
for _name in PLANS if chooses(STUDY.config.study) else ():

    rule:
        name:
            f"tune_{_name}"
        input:
            run_files(_name, [layout.ORIGIN, "metrics.json"], taken_over=False),
        output:
            update(f"replications/{_name}/{STUDY.config.study}.csv"),
        log:
            f"{RESULTS}/logs/{STUDY.config.study}/{_name}.log",
        params:
            command=EVIDENCE.format(stage="choose"),
            folder=f"{RESULTS}/{_name}",
            replication=_name,
        shell:
            "{params.command} --replication {params.replication} --folder {params.folder}"
            " --output {output} > {log} 2>&1"


rule tune:
    input:
        chosen_rates,


# `snakemake publish`: the replications of the families that are built.
rule publish:
    input:
        [
            f"{PUBLISHED}/{name}/{layout.ORIGIN}"
            for family in BUILT
            for name in FAMILIES[family]
        ],


# `snakemake restore`: what lies behind published results of this study, put where it has its own.
# The data comes first: what is older than its data is made anew.
rule restore:
    input:
        sorted(
            {
                f"{plan.settings_of(run).data.folder}/{layout.DESCRIPTION}"
                for plan in TRAINING.values()
                for run in plan.runs
            }
        ),
    log:
        f"{RESULTS}/logs/restore.log",
    params:
        command=EVIDENCE.format(stage="restore"),
        replications=list(TRAINING),
        published=PUBLISHED,
        folder=RESULTS,
    shell:
        "{params.command} --replications {params.replications}"
        " --published {params.published} --folder {params.folder} 2>&1 | tee {log}"
