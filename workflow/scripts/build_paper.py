"""Build the paper in a copy of its sources, check it, and only then put the PDF in its place."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from check_paper import check_paper, read_authors, read_rules, report

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from replications.core.errors import StudyError
from replications.core.spec.layout import ORIGIN
from replications.core.spec.origin import read, verified

_INSTALL = """install TeX Live with XeLaTeX and Korean, latexmk and the Nanum fonts:
  Debian, Ubuntu  apt-get install latexmk texlive-xetex texlive-lang-korean texlive-latex-extra \
texlive-science fonts-nanum
  macOS           brew install --cask mactex font-nanum-myeongjo font-nanum-gothic
  conda           has no complete TeX Live: use https://tug.org/texlive (no root needed), and put \
the Nanum fonts into ~/.local/share/fonts"""
_MISSING = re.compile(r"File `[^']+\.(sty|cls|def|fd|tfm)' not found|font \S+ is not installed")
# Dates in the PDF; the value says nothing, only that it never changes.
_EPOCH = "1735689600"


class PaperError(Exception):
    """The paper cannot be built; the message says why and what to do."""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--main", type=Path, required=True, help="the document")
    parser.add_argument("--paper", type=Path, default=Path("paper"), help="kcc.cls and the rest")
    parser.add_argument("--results", type=Path, required=True, help="results of the family")
    parser.add_argument("--sections", type=Path, nargs="*", default=[], help="*/paper.tex")
    parser.add_argument("--authors", type=Path, help="default: authors.tex in --paper, if any")
    parser.add_argument("--output", type=Path, required=True, help="the PDF")
    parser.add_argument(
        "--supplement", action="store_true", help="supplement.tex, to which no rules apply"
    )
    parser.add_argument(
        "--draft", action="store_true", help="show what older results lack as a question mark"
    )
    parser.add_argument("--final", action="store_true", help="with authors; default: a review copy")
    parser.add_argument("--build-dir", type=Path, help="kept; default: a temporary folder")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="paper-") as temporary:
            return _build(arguments, arguments.build_dir or Path(temporary))
    except (PaperError, StudyError) as error:
        print(f"build_paper: {error}", file=sys.stderr)
        return 1


def _build(arguments: argparse.Namespace, build: Path) -> int:
    missing = [tool for tool in ("latexmk", "xelatex", "bibtex") if shutil.which(tool) is None]
    if missing:
        raise PaperError(f"{', '.join(missing)} not found; {_INSTALL}")
    authors_file = _authors_file(arguments.authors, arguments.paper, arguments.final)
    verified(arguments.results)
    origins = copy_sources(
        arguments.main, arguments.paper, arguments.results, arguments.sections, build
    )
    if arguments.draft and (lacking := mark_missing(build)):
        print(f"older than the text, so shown as ?: {', '.join(lacking)}; publish them anew")
    if arguments.final and authors_file:
        shutil.copyfile(authors_file, build / "authors.tex")
    if arguments.supplement:
        typeset(build, False, origins)
        put_in_place(build / "main.pdf", arguments.output)
        return 0
    typeset(build, arguments.final, origins)
    authors = read_authors(authors_file) if authors_file else []
    rules = read_rules(build / "kcc-rules.tex")
    checks = check_paper(build / "main.pdf", rules, build / "main.log", authors, arguments.final)
    refused = arguments.output.with_suffix(".refused.pdf")
    if not report(checks):
        put_in_place(build / "main.pdf", refused)
        failed = ", ".join(check.name for check in checks if not check.passed)
        print(f"error: {refused} breaks the rules of KCC: {failed}", file=sys.stderr)
        return 1
    put_in_place(build / "main.pdf", arguments.output)
    refused.unlink(missing_ok=True)
    return 0


def _authors_file(given: Path | None, paper: Path, final: bool) -> Path | None:
    """Where the authors are: a final copy needs them, a review copy is searched for them."""
    path = given or paper / "authors.tex"
    if path.is_file():
        return path
    if given or final:
        raise PaperError(
            f"{path} not found: copy {paper / 'authors.example.tex'} there and enter the authors"
        )
    return None


def copy_sources(
    main: Path, paper: Path, results: Path, sections: Sequence[Path], build: Path
) -> dict[str, Path]:
    """Lay the sources out in `build`; returns which folder each part of it came from.

    A section is named after the folder it is in. The files that gather what the replications
    contribute (sections, supplement, references) are written here.
    """
    generated = results / "generated"
    for source, kind in ((main, "paper"), (generated / "numbers.tex", "result")):
        if not source.is_file():
            raise PaperError(f"{source} not found, the {kind} file the build begins with")
    for stale in ("generated", "replications", "authors.tex"):
        path = build / stale
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    ours = shutil.ignore_patterns("authors*.tex", "*.pdf", ".*", "*.aux", "*.log", "generated")
    shutil.copytree(paper, build, ignore=ours, dirs_exist_ok=True)
    shutil.copyfile(main, build / "main.tex")
    for file in read(results / ORIGIN)["files"]:
        if file.startswith("generated/"):
            (build / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(results / file, build / file)
    names = [section.parent.name for section in sections]
    for name, section in zip(names, sections, strict=True):
        (build / "replications" / name).mkdir(parents=True)
        shutil.copyfile(section, build / "replications" / name / "paper.tex")
    for file, line in (
        ("sections.tex", r"\input{{replications/{}/paper.tex}}"),
        (
            "supplement.tex",
            r"\input{{generated/{0}/supplement.tex}}\maintable{{generated/{0}/table_results.tex}}",
        ),
    ):
        path = build / "generated" / file
        path.write_text("".join(line.format(name) + "%\n" for name in names), encoding="utf-8")
    own = sorted((paper.parent / "replications").glob("*/references.bib"))
    (build / "references.bib").write_text(
        references([paper / "references.bib", *own]), encoding="utf-8"
    )
    origins = {f"replications/{n}": s.parent for n, s in zip(names, sections, strict=True)}
    return origins | {"generated": generated, "main.tex": main, ".": paper}


def mark_missing(build: Path) -> list[str]:
    """Define the results that the text asks for and `generated/numbers.tex` lacks as a question
    mark; returns their keys."""
    numbers = build / "generated" / "numbers.tex"
    text = numbers.read_text(encoding="utf-8")
    known = set(re.findall(r"\\kccdefine\{([^}]+)\}", text))
    sources = (build / "main.tex", build / "method.tex", *build.glob("replications/*/paper.tex"))
    asked = [
        key
        for source in sources
        if source.is_file()
        for key in re.findall(r"\\result\{([^}#]+)\}", _without_comments(source))
    ]
    lacking = list(dict.fromkeys(key for key in asked if key not in known))
    if lacking:
        # A question mark is no number, which siunitx would refuse to print.
        lines = [rf"\kccdefine{{{key}}}{{?}}" for key in lacking]
        lines.append(r"\AtBeginDocument{\sisetup{parse-numbers=false}}")
        numbers.write_text(text + "\n".join(lines) + "\n", encoding="utf-8")
    return lacking


def _without_comments(source: Path) -> str:
    return re.sub(r"(?m)(?<!\\)%.*$", "", source.read_text(encoding="utf-8"))


def references(files: Sequence[Path]) -> str:
    """The entries of several BibTeX files, each key once."""
    found: dict[str, str] = {}
    for file in files:
        for entry in re.split(r"(?m)^(?=@)", file.read_text(encoding="utf-8")):
            key = re.match(r"@\w+\{\s*([^,\s]+)", entry)
            if key:
                found.setdefault(key[1], entry.rstrip() + "\n\n")
    return "".join(found.values())


def typeset(build: Path, final: bool, origins: dict[str, Path]) -> None:
    """Run latexmk on main.tex in `build`; the PDF depends on the sources, not on place or time.

    Raises:
        PaperError: LaTeX failed; with its errors and the lines of the sources they are in.
    """
    command = ["latexmk", "-norc", "-xelatex", "-interaction=nonstopmode", "-halt-on-error"]
    command += ["-file-line-error", "-no-shell-escape", "-gg", "-silent"]
    if final:
        command += [r"-usepretex=\PassOptionsToClass{final}{kcc}"]
    environment = os.environ | {
        "SOURCE_DATE_EPOCH": _EPOCH,
        "FORCE_SOURCE_DATE": "1",
        "TZ": "UTC",
        # Unbroken lines, for whoever reads the log.
        "max_print_line": "10000",
    }
    run = subprocess.run(
        [*command, "main.tex"],
        cwd=build,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if run.returncode == 0:
        return
    output = run.stdout.decode("utf-8", "replace")
    log = build / "main.log"
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    raise PaperError(
        "\n  ".join(["LaTeX failed", *(errors(text, origins) or output.splitlines()[-8:])])
    )


def errors(log: str, origins: dict[str, Path]) -> list[str]:
    """LaTeX's errors as `file:line: message`, in terms of the sources rather than their copies."""
    found = []
    for match in re.finditer(r"(?m)^(?:\./)?([^\s:]+\.\w+):(\d+): (.*)$", log):
        file, line, message = match.groups()
        folder = next((f for f in origins if file == f or file.startswith(f + "/")), ".")
        path = origins[folder] / (file if folder == "." else file[len(folder) + 1 :])
        if not message.startswith("==>"):
            found.append(f"{path}:{line}: {message}")
    found += re.findall(r"(?m)^! (?!\s*==>)(.*)$", log)
    if any(_MISSING.search(message) for message in found):
        found.append(_INSTALL)
    return found[:6]


def put_in_place(pdf: Path, output: Path) -> None:
    """Move the finished PDF to `output` in one step, so that nobody sees half of it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.new")
    shutil.copyfile(pdf, temporary)
    temporary.replace(output)


if __name__ == "__main__":
    sys.exit(main())
