# The results as one page to look at in a browser, which needs no other file and no network.

import shutil

PAGE = "python -m replications.core.page"
CODE_OF_PAGE = list(map(str, sorted(Path("replications/core/page").glob("*.*"))))
BUILT_NAMES = [name for family in BUILT for name in FAMILIES[family]]
BUILT_PUBLISHED = [name for family in BUILT for name in published_of(family)]
PAPERS = [
    pdf(family, document) for family in BUILT for document in ("main", "supplement")
]


# Of the study.
rule page:
    input:
        CODE_OF_PAGE,
        [f"{RESULTS}/{name}/{layout.ORIGIN}" for name in BUILT_NAMES],
        # It links to them, where they can be typeset.
        PAPERS if shutil.which("latexmk") else [],
    output:
        f"{RESULTS}/index.html",
    log:
        f"{RESULTS}/logs/page.log",
    params:
        command=PAGE,
        sources=lambda wildcards, output: Path(output[0]).parent,
        replications=BUILT_NAMES,
        papers=PAPERS,
    shell:
        "{params.command} --sources {params.sources} --replications {params.replications}"
        " --papers {params.papers} --output {output} > {log} 2>&1"


# `snakemake site`: of what is published, with its papers beside it; trains nothing.
rule site:
    input:
        f"{SITE}/index.html",


rule published_page:
    input:
        CODE_OF_PAGE,
        [f"replications/{name}/replication.yaml" for name in BUILT_PUBLISHED],
        # What examples are drawn with, of data whose samples are published.
        lambda wildcards: [
            f"{published_plans()[name].data.folder}/{layout.DESCRIPTION}"
            for name in some_or_refused(BUILT_PUBLISHED)
            if published_plans()[name].data.redistributable
        ],
        # What is published is no input, or it would depend on publishing; this follows it.
        [f"{DRAFT}/{family}/{layout.ORIGIN}" for family in BUILT],
        papers=[pdf(family, "draft") for family in BUILT],
    output:
        f"{SITE}/index.html",
    log:
        "results/logs/published-page.log",
    params:
        command=PAGE,
        folder=lambda wildcards, output: Path(output[0]).parent,
        papers=lambda wildcards, input, output: [
            Path(output[0]).parent / Path(paper).name for paper in input.papers
        ],
        sources=PUBLISHED,
        replications=BUILT_PUBLISHED,
    shell:
        "cp {input.papers} {params.folder} &&"
        " {params.command} --sources {params.sources} --replications {params.replications}"
        " --papers {params.papers} --output {output} > {log} 2>&1"
