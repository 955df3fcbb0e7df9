"""Check the built paper against the rules of the KCC: the PDF, and the log LaTeX left behind."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pdfplumber
from pypdf import PdfReader

_BP_PER_MM = 72 / 25.4
_BP_PER_PT = 72 / 72.27
_TOLERANCE = 0.5 * _BP_PER_MM
# Faces cut for indices: a letter set in one of them is an index of a formula, not small text.
_INDEX_FACE = re.compile(r"(CM(R|MI|SY|BX|EX)|MS[AB]M)[5-7]$|CMEX10$")
# Its symbols hang from the baseline that others stand on: their boxes are not where they are.
_HANGING_FACE = re.compile(r"CMEX\d+$")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


@dataclass(frozen=True)
class Check:
    """The outcome of one check: what was found, and the details of a failure, one a line."""

    name: str
    passed: bool
    found: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Author:
    """One `\\kccauthor{name}{affiliation}{e-mail}`."""

    name: str
    affiliation: str
    mail: str


@dataclass(frozen=True)
class Rules:
    """The rules, lengths in PDF points (72 to an inch), keyed by their names in kcc-rules.tex."""

    lengths: dict[str, float]
    counts: dict[str, int]


def read_rules(path: Path) -> Rules:
    """The `\\kccrule{name}{value}` lines of kcc-rules.tex, the file that kcc.cls lays out by."""
    lengths, counts = {}, {}
    for line in path.read_text(encoding="utf-8").splitlines():
        rule = re.match(r"\\kccrule\{([\w-]+)\}\{([\d.]+)(mm|pt|)\}", line)
        if rule is None:
            if line.strip() and not line.startswith("%"):
                raise ValueError(f"{path}: '{line}' is not \\kccrule{{name}}{{number, mm or pt}}")
            continue
        name, number, unit = rule.groups()
        if unit:
            lengths[name] = float(number) * (_BP_PER_MM if unit == "mm" else _BP_PER_PT)
        else:
            counts[name] = int(number)
    return Rules(lengths, counts)


def read_authors(path: Path) -> list[Author]:
    """The authors declared in an authors.tex."""
    text = re.sub(r"(?m)(?<!\\)%.*$", "", path.read_text(encoding="utf-8"))
    group = r"\s*\{([^{}]*)\}"
    return [Author(*found) for found in re.findall(r"\\kccauthor\*?" + group * 3, text)]


def check_paper(
    pdf: Path, rules: Rules, log: Path | None, authors: Sequence[Author], final: bool
) -> list[Check]:
    """Every check of the paper, in the order a reader would make them.

    `authors` must be absent from a review copy and present in a final one.
    """
    reader = PdfReader(pdf)
    with pdfplumber.open(pdf) as document:
        pages = list(document.pages)
        checks = [
            _page_size(pages, rules),
            _page_count(pages, rules),
            _margins(pages, rules),
            _text_size("text size", pages, rules, "text-above", in_figures=False),
            _text_size("figure text size", pages, rules, "figure-text-above", in_figures=True),
            _fonts(reader),
            _authors(reader, authors, final),
        ]
    return checks + (_log_checks(log, rules) if log else [])


def _page_size(pages: Sequence[Any], rules: Rules) -> Check:
    width, height = rules.lengths["paper-width"], rules.lengths["paper-height"]
    wrong = [
        f"page {page.page_number}: {_mm(page.width)} x {_mm(page.height)}"
        for page in pages
        if max(abs(page.width - width), abs(page.height - height)) > _TOLERANCE
    ]
    return Check("page size", not wrong, f"{_mm(width)} x {_mm(height)} wanted", tuple(wrong))


def _page_count(pages: Sequence[Any], rules: Rules) -> Check:
    least, most = rules.counts["pages-min"], rules.counts["pages-max"]
    found = f"{len(pages)} pages, {least} to {most} allowed"
    return Check("page count", least <= len(pages) <= most, found)


def _margins(pages: Sequence[Any], rules: Rules) -> Check:
    """Every letter, line and picture inside the margins, half a millimetre allowed."""
    slack = {side: float("inf") for side in ("left", "right", "top", "bottom")}
    outside = []
    for page in pages:
        for item in page.layout:
            if item.width <= 0 and item.height <= 0:
                continue
            room = {
                "left": item.x0 - rules.lengths["margin-left"],
                "right": page.width - rules.lengths["margin-right"] - item.x1,
                "top": page.height - rules.lengths["margin-top"] - item.y1,
                "bottom": item.y0 - rules.lengths["margin-bottom"],
            }
            if _HANGING_FACE.search(getattr(item, "fontname", "")):
                room = {"left": room["left"], "right": room["right"]}
            for side, value in room.items():
                slack[side] = min(slack[side], value)
                if value < -_TOLERANCE:
                    what = repr(item.get_text()) if hasattr(item, "get_text") else "a drawing"
                    outside.append(f"page {page.page_number}: {what} is {_mm(-value)} into {side}")
    found = "nearest " + ", ".join(f"{side} {_mm(value)}" for side, value in slack.items())
    return Check("margins", not outside, found, _first(outside))


def _text_size(name: str, pages: Sequence[Any], rules: Rules, rule: str, in_figures: bool) -> Check:
    """Every letter larger than a rule; the text and the inside of figures have different ones."""
    limit = rules.lengths[rule]
    smallest = float("inf")
    small: dict[tuple[int, str, float], str] = {}
    for page in pages:
        for letter in _letters(page.layout, in_figures):
            if not letter.get_text().strip() or _INDEX_FACE.search(letter.fontname):
                continue
            size = _size(letter)
            smallest = min(smallest, size)
            if size <= limit + 0.01:
                key = (page.page_number, letter.fontname, round(size / _BP_PER_PT, 1))
                small[key] = small.get(key, "") + letter.get_text()
    details = [
        f"page {page}: '{text[:40]}' is {size:g} pt ({font})"
        for (page, font, size), text in small.items()
    ]
    found = "none" if smallest == float("inf") else f"smallest {smallest / _BP_PER_PT:.1f} pt"
    return Check(
        name, not small, f"{found}, above {limit / _BP_PER_PT:g} pt wanted", _first(details)
    )


def _letters(container: Any, in_figures: bool, depth: int = 0) -> Iterator[Any]:
    """The letters of a page's layout: of its figures, or of the text around them."""
    for item in container:
        if type(item).__name__ == "LTFigure":
            if in_figures:
                yield from _letters(item, in_figures, depth + 1)
        elif hasattr(item, "fontname") and in_figures == (depth > 0):
            yield item


def _size(letter: Any) -> float:
    """Font size in PDF points of a letter, whichever way it is turned."""
    a, b, c, d = letter.matrix[:4]
    size = letter.width if a == d == 0 and (b or c) else letter.height
    return float(size)


def _fonts(reader: PdfReader) -> Check:
    """Every font embedded, those inside figures too."""
    names: dict[str, bool] = {}
    for page in reader.pages:
        for font in _fonts_of(page.get("/Resources")):
            embedded = font.get("/Subtype") == "/Type3" or _has_file(font)
            name = str(font.get("/BaseFont", "Type 3")).lstrip("/")
            names[name] = names.get(name, True) and embedded
    missing = [name for name, embedded in names.items() if not embedded]
    found = f"{len(names) - len(missing)} of {len(names)} embedded"
    return Check("fonts", bool(names) and not missing, found, tuple(missing))


def _fonts_of(resources: Any) -> Iterator[Any]:
    resources = resources.get_object() if resources else {}
    for font in resources.get("/Font", {}).values():
        yield font.get_object()
    for picture in resources.get("/XObject", {}).values():
        if "/Resources" in picture.get_object():
            yield from _fonts_of(picture.get_object()["/Resources"])


def _has_file(font: Any) -> bool:
    """Whether the font, or what a composite font is made of, comes with its font program."""
    for part in font.get("/DescendantFonts", [font]):
        descriptor = part.get_object().get("/FontDescriptor")
        if descriptor is None or not any(
            k.startswith("/FontFile") for k in descriptor.get_object()
        ):
            return False
    return True


def _authors(reader: PdfReader, authors: Sequence[Author], final: bool) -> Check:
    """No trace of an author in a review copy; every author in a final one."""
    text = _squeezed("".join(page.extract_text() for page in reader.pages))
    metadata = " ".join(str(value) for value in (reader.metadata or {}).values())
    everything = text + _squeezed(metadata)
    parts = {part for author in authors for part in (author.name, author.affiliation, author.mail)}
    if final:
        absent = [
            f"{author.name} is missing" for author in authors if _squeezed(author.name) not in text
        ]
        return Check(
            "authors",
            bool(authors) and not absent,
            f"final copy, {len(authors)} authors",
            tuple(absent),
        )
    traces = [f"'{part}' appears" for part in sorted(parts) if _squeezed(part) in everything]
    traces += [f"an e-mail address appears: {mail}" for mail in _MAIL.findall(text)]
    if reader.metadata and reader.metadata.author:
        traces.append(f"the PDF names an author: {reader.metadata.author}")
    found = f"review copy, searched for {len(authors)} authors and for e-mail addresses"
    return Check("anonymity", not traces, found, tuple(traces))


def _log_checks(log: Path, rules: Rules) -> list[Check]:
    """What LaTeX complained about. The log's lines must be unbroken (max_print_line)."""
    text = log.read_text(encoding="utf-8", errors="replace")
    limit = rules.lengths["overfull-below"] / _BP_PER_PT
    overfull = [line for line, excess in _overfull(text) if excess > limit]
    undefined = re.findall(r"Warning: ((?:Reference|Citation) .* undefined.*)", text)
    labels = re.findall(r"Warning: (Label .* multiply defined.*)", text)
    return [
        Check(
            "overfull boxes", not overfull, f"{len(overfull)} above {limit:g} pt", _first(overfull)
        ),
        Check(
            "references",
            not undefined + labels,
            f"{len(undefined)} undefined",
            _first(undefined + labels),
        ),
    ]


def _overfull(log: str) -> Iterator[tuple[str, float]]:
    """(complaint with its file and its text, points too much) of each overfull box.

    TeX prints "(file" when it opens a file and ")" when it closes it; the open one is to blame.
    """
    stack: list[str] = []
    lines = log.splitlines()
    for number, line in enumerate(lines):
        box = re.match(r"Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\)(.*)", line)
        if box:
            file = next((name for name in reversed(stack) if name.endswith(".tex")), "?")
            # The text follows the complaint, between names of fonts.
            text = re.sub(r"\\\S+ |\[\]", "", "".join(lines[number + 1 : number + 2])).strip()
            yield f"{file}: {box[1]} pt too large{box[2]}: {text[:60]}", float(box[1])
        elif not line.startswith(("[]", "\\", " ")):
            for opened, closed in re.findall(r"\((\.?/[^\s()]+)|([()])", line):
                if opened or closed == "(":
                    stack.append(opened)
                elif stack:
                    stack.pop()


def _squeezed(text: str) -> str:
    """Without white space, which PDF text gains and loses."""
    return re.sub(r"\s+", "", text)


def _mm(length: float) -> str:
    return f"{length / _BP_PER_MM:.1f} mm"


def _first(lines: Sequence[str], count: int = 8) -> tuple[str, ...]:
    """The first lines, and how many more there are."""
    more = len(lines) - count
    return (*lines[:count], f"and {more} more") if more > 0 else tuple(lines)


def report(checks: Sequence[Check]) -> bool:
    """Print every check and, below a failed one, its details; true when all passed."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        print(f"{'ok    ' if check.passed else 'FAILED'}  {check.name:{width}}  {check.found}")
        for detail in () if check.passed else check.details:
            print(f"{'':{width + 10}}{detail}")
    failed = [check.name for check in checks if not check.passed]
    if failed:
        print(f"{len(failed)} of {len(checks)} checks failed: {', '.join(failed)}", file=sys.stderr)
    return not failed


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pdf", type=Path)
    parser.add_argument("--rules", type=Path, default=Path("paper/kcc-rules.tex"))
    parser.add_argument("--log", type=Path, help="LaTeX's log of the build")
    parser.add_argument("--authors", type=Path, help="authors.tex")
    parser.add_argument("--final", action="store_true", help="a final copy, with authors")
    arguments = parser.parse_args()
    authors = read_authors(arguments.authors) if arguments.authors else []
    rules = read_rules(arguments.rules)
    checks = check_paper(arguments.pdf, rules, arguments.log, authors, arguments.final)
    return 0 if report(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
