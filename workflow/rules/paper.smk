# Generated numbers, tables and figures, and the text by hand -> paper/main.pdf.


rule paper:
    input:
        GENERATED,
        expand("paper/{file}", file=["main.tex", "kcc.cls", "kcc-rules.tex", "references.bib"]),
        sections=expand("replications/{name}/paper.tex", name=PLANS),
        scripts=expand("workflow/scripts/{script}_paper.py", script=["build", "check"]),
    output:
        report("paper/main.pdf", caption="../report/paper.rst", category="Paper"),
    params:
        generated=RESULTS + "/generated",
    log:
        RESULTS + "/logs/paper.log",
    shell:
        "python workflow/scripts/build_paper.py --generated {params.generated}"
        " --sections {input.sections} --output {output} 2>&1 | tee {log}"
