"""Lay out a paper of one's own, in a folder that compiles by itself: the class, a skeleton, and
the tables, figures and numbers of chosen replications.

With --refresh the numbers, tables, figures and references of such a folder are brought up to date,
sections of further replications are added, and nothing else in it is touched.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

from build_paper import PaperError, copy_sources, mark_missing

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from replications.core.errors import StudyError, meant
from replications.core.evidence.join import join
from replications.core.files import write_text

ROOT = Path(__file__).resolve().parents[2]
_SKELETON = Path(__file__).resolve().parents[1] / "skeleton"
_TAKEN = ("kcc.cls", "kcc-rules.tex", "method.tex")
"""What every paper takes from ours as it is."""
_DEFINED = re.compile(r"(?m)^\\kccdefine\{([^}]+)\}\{(.*)\}$")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="to be made, outside this project")
    parser.add_argument("--replications", nargs="+", required=True, help="whose results it is on")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "results" / "published", help="where these lie"
    )
    parser.add_argument("--refresh", action="store_true", help="of a folder that is there")
    own = parser.parse_args()
    try:
        lay_out(own.folder.expanduser(), own.replications, own.results, own.refresh)
    except (PaperError, StudyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{own.folder}: compile it there with latexmk; {own.folder}.zip is the same for others.")
    return 0


def lay_out(folder: Path, names: list[str], results: Path, refresh: bool) -> None:
    """Make the folder, and a zip of it beside it; or refresh its results."""
    if folder.exists() != refresh:
        what = "is not there" if refresh else "is there already; --refresh brings it up to date"
        raise PaperError(f"{folder} {what}")
    if folder.resolve().is_relative_to(ROOT):
        raise PaperError(f"{folder} is inside this project; name a folder of your own elsewhere")
    there = [path.parent.name for path in results.glob("*/numbers.tex")]
    for name in names:
        if name not in there:
            raise PaperError(
                f"{results} has no results of '{name}'{meant(name, there)} "
                f"(there are: {', '.join(sorted(there)) or 'none'})"
            )
    with tempfile.TemporaryDirectory() as temporary:
        joined, new = Path(temporary, "joined"), Path(temporary, "paper")
        join(names, results, joined)
        sections = [ROOT / "replications" / name / "paper.tex" for name in names]
        copy_sources(_SKELETON / "main.tex", ROOT / "paper", joined, sections, new)
        if lacking := mark_missing(new):
            print(f"older than the text, so shown as ?: {', '.join(lacking)}")
        shutil.rmtree(folder / "generated", ignore_errors=True)
        shutil.copytree(new / "generated", folder / "generated")
        shutil.copyfile(new / "references.bib", folder / "references.bib")
        for section in new.glob("replications/*/paper.tex"):
            _copied(section, folder / section.relative_to(new))
        for name in ("main.tex", *_TAKEN):
            _copied(new / name, folder / name)
        _copied(_SKELETON / "latexmkrc", folder / "latexmkrc")
        _copied(ROOT / "paper" / "authors.example.tex", folder / "authors.tex")
    write_text(folder / "KEYS.md", keys((folder / "generated" / "numbers.tex").read_text("utf-8")))
    shutil.make_archive(str(folder), "zip", folder.parent, folder.name)


def _copied(source: Path, place: Path) -> None:
    """Copy a file to where there is none; what was written there is kept."""
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)


def keys(numbers: str) -> str:
    """The page of all keys with their present values."""
    rows = [
        f"| `{key}` | {value.replace('|', '&#124;')} |" for key, value in _DEFINED.findall(numbers)
    ]
    head = [
        "# Keys of results",
        "",
        r"In the text: `\result{key}`.",
        "",
        "| key | value |",
        "|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
