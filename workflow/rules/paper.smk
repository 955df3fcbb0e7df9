# Generated numbers, tables and figures, and the text by hand -> paper/main.pdf.


rule paper:
    input:
        GENERATED,
        "paper/main.tex",
        "paper/kcc.cls",
        "paper/kcc-rules.tex",
        "paper/references.bib",
        sections=[f"replications/{name}/paper.tex" for name in PLANS],
    output:
        report("paper/main.pdf", caption="../report/paper.rst", category="Paper"),
    log:
        f"{RESULTS}/logs/paper.log",
    params:
        source=source.source_hash(Path("workflow/scripts").glob("*_paper.py")),
        generated=lambda wildcards, input: Path(input[0]).parent,
    shell:
        "python workflow/scripts/build_paper.py --generated {params.generated}"
        " --sections {input.sections} --output {output} 2>&1 | tee {log}"
