# Generated numbers, tables and figures, and the text by hand -> a paper for each family.

TEXT = [
    *(
        "paper/kcc.cls",
        "paper/kcc-rules.tex",
        "paper/references.bib",
        "paper/method.tex",
    ),
    *map(str, sorted(Path("replications").glob("*/references.bib"))),
    *map(str, sorted(Path("workflow/scripts").glob("*_paper.py"))),
]


def text_of(family):
    """The document of a family: its own, or the one for families that have none."""
    own = Path("paper", family, "main.tex")
    return str(own if own.is_file() else Path("paper/family.tex"))


def results_of(family, document):
    """Where what a paper inputs comes from, and the replications it is of."""
    if document == "draft":
        return f"{DRAFT}/{family}", published_of(family)
    return f"{RESULTS}/{family}", FAMILIES[family]


# `main`, the review copy; `final`, with the authors of paper/authors.tex; `draft`, from the
# published results, which trains nothing; and `supplement`, every run, seed, setting and origin.
for _family in FAMILIES:
    for _document in ("main", "final", "draft", "supplement"):
        _folder, _names = results_of(_family, _document)

        rule:
            name:
                f"{'paper' if _document == 'main' else _document}_{_family}"
            input:
                TEXT,
                ["paper/authors.tex"] if _document == "final" else [],
                f"{_folder}/{layout.ORIGIN}",
                numbers=f"{_folder}/generated/numbers.tex",
                main=(
                    "paper/supplement.tex"
                    if _document == "supplement"
                    else text_of(_family)
                ),
                sections=[f"replications/{name}/paper.tex" for name in _names],
            output:
                # What is there stays until a paper that passes its checks takes its place.
                report(
                    update(pdf(_family, _document)),
                    caption=f"../report/{_document}.rst",
                    category="Paper",
                ),
            log:
                f"results/logs/{_document}-{_family}.log",
            params:
                results=lambda wildcards, input: Path(input.numbers).parents[1],
                options="" if _document == "main" else f"--{_document}",
            shell:
                "python workflow/scripts/build_paper.py --main {input.main}"
                " --results {params.results} --sections {input.sections}"
                " --output {output} {params.options} > {log} 2>&1"

    rule:
        name:
            _family
        input:
            of_family(_family),


# `snakemake paper`, `supplement`, `draft`, `final`: those of the families that are built.
for _document in ("main", "final", "draft", "supplement"):

    rule:
        name:
            "paper" if _document == "main" else _document
        input:
            [pdf(family, _document) for family in BUILT],
