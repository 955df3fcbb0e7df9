# Generated numbers, tables and figures, and the text by hand -> paper/main.pdf.

PAPER = [
    *GENERATED,
    "paper/main.tex",
    "paper/kcc.cls",
    "paper/kcc-rules.tex",
    "paper/references.bib",
]
PAPER_SOURCE = source.source_hash(Path("workflow/scripts").glob("*_paper.py"))
SECTIONS = [f"replications/{name}/paper.tex" for name in PLANS]


rule paper:
    input:
        PAPER,
        SECTIONS,
    output:
        report("paper/main.pdf", caption="../report/paper.rst", category="Paper"),
    log:
        f"{RESULTS}/logs/paper.log",
    params:
        source=PAPER_SOURCE,
        sections=SECTIONS,
        generated=lambda wildcards, input: Path(input[0]).parent,
        options="",
    shell:
        "python workflow/scripts/build_paper.py --generated {params.generated}"
        " --sections {params.sections} --output {output} {params.options} 2>&1 | tee {log}"


# `snakemake final`: the same with the authors of paper/authors.tex.
use rule paper as final with:
    input:
        PAPER,
        SECTIONS,
        "paper/authors.tex",
    output:
        "paper/final.pdf",
    log:
        f"{RESULTS}/logs/final.log",
    params:
        source=PAPER_SOURCE,
        sections=SECTIONS,
        generated=lambda wildcards, input: Path(input[0]).parent,
        options="--final",


# `snakemake supplement`: every run, seed, setting and origin.
use rule paper as supplement with:
    input:
        GENERATED,
        "paper/supplement.tex",
    output:
        report(
            "paper/supplement.pdf",
            caption="../report/supplement.rst",
            category="Paper",
        ),
    log:
        f"{RESULTS}/logs/supplement.log",
    params:
        source=PAPER_SOURCE,
        sections=SECTIONS,
        generated=lambda wildcards, input: Path(input[0]).parent,
        options="--supplement",


# `snakemake draft`: the paper from the published results; trains nothing.
use rule paper as draft with:
    input:
        "results/published/generated/numbers.tex",
        "paper/main.tex",
        "paper/kcc.cls",
        "paper/kcc-rules.tex",
        "paper/references.bib",
        [f"replications/{name}/paper.tex" for name in PUBLISHED],
    output:
        "paper/draft.pdf",
    log:
        "results/logs/draft.log",
    params:
        source=PAPER_SOURCE,
        sections=[f"replications/{name}/paper.tex" for name in PUBLISHED],
        generated=lambda wildcards, input: Path(input[0]).parent,
        options="",
