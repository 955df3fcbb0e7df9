"""The paper: built from generated content, checked against the rules, the same every time."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from conftest import ROOT
from replications.core.spec import origin

MAIN = ROOT / "paper/kcc/main.tex"
SECTION = ROOT / "replications/uncertainty/paper.tex"
BY_HAND = [MAIN, ROOT / "paper/method.tex", ROOT / "paper/family.tex"]
AUTHORS = ROOT / "paper/authors.example.tex"
pytestmark = pytest.mark.skipif(
    shutil.which("latexmk") is None or shutil.which("xelatex") is None,
    reason="latexmk and xelatex are not installed; build_paper.py says how to get them",
)

TABLE = r"""\begin{tabular}{@{}l*{3}{r@{\,}l}rr@{}}
\toprule
실행 & \multicolumn{2}{c}{\shortstack{의미 분할\\mIoU $\uparrow$\\(\%)}} &
\multicolumn{2}{c}{\shortstack{개체 분할\\중심 오차 $\downarrow$\\(px)}} &
\multicolumn{2}{c}{\shortstack{깊이\\역깊이 오차 $\downarrow$\\(px)}} &
$\Delta_m$ (\%) & 매개변수 \\
\midrule
Semantics only & \num{41.2} & $\pm$ \num{0.8} & & & & & & \qty{0.43}{M} \\
Uncertainty & \textbf{42.0} & $\pm$ \num{0.9} & \num{3.5} & $\pm$ \num{0.1} & \num{0.52} &
$\pm$ \num{0.01} & \num{+1.3} & \qty{0.51}{M} \\
\bottomrule
\end{tabular}
"""


def write_results(folder: Path) -> Path:
    """A value for every key that the text asks for, tables and figures, and their origin."""
    keys: set[str] = set()
    for text in (*BY_HAND, SECTION):
        keys |= set(re.findall(r"\\result\{([^}]+)\}", text.read_text(encoding="utf-8")))
    words = {"study.face": "※ 시험용 연구", "sentence.study.verdicts": "주장 1개 중 재현 1개"}
    generated = folder / "generated"
    (generated / "uncertainty").mkdir(parents=True)
    lines = []
    for key in sorted(keys):
        value = "이 문장은 시험을 위한 것이다." if key.startswith("sentence") else "1.23"
        lines.append(rf"\kccdefine{{{key}}}{{{words.get(key, value)}}}" + "\n")
    (generated / "numbers.tex").write_text("".join(lines))
    for table in (
        "uncertainty/table_results",
        "table_efficiency",
        "table_experiments",
        "table_tasks",
    ):
        (generated / f"{table}.tex").write_text(TABLE)
    figures = {"uncertainty/figure_delta_m": (190, 70), "figure_plane": (92, 45)}
    for name, size in (figures | {"figure_ladder": (190, 40)}).items():
        with mpl.rc_context({"pdf.fonttype": 42, "font.size": 8}):
            figure, axis = plt.subplots(figsize=(size[0] / 25.4, size[1] / 25.4))
            axis.plot([0, 1])
            axis.set_ylabel("turned")
            figure.savefig(generated / f"{name}.pdf")
            plt.close(figure)
    return sealed(folder)


def sealed(folder: Path) -> Path:
    """The results, their origin recording the generated files as they are."""
    files = [path for path in (folder / "generated").rglob("*") if path.is_file()]
    origin.seal(folder, sorted(path.relative_to(folder).as_posix() for path in files), {})
    return folder


def build(
    results: Path,
    output: Path,
    *options: str,
    main: Path = MAIN,
    paper: Path = ROOT / "paper",
    section: Path = SECTION,
) -> subprocess.CompletedProcess[str]:
    """Run the script as the workflow does."""
    script = ROOT / "workflow/scripts/build_paper.py"
    command: list[str | Path] = [sys.executable, script, "--main", main, "--paper", paper]
    command += ["--results", results, "--sections", section, "--output", output, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def check(pdf: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the checker alone."""
    command: list[str | Path] = [sys.executable, ROOT / "workflow/scripts/check_paper.py", pdf]
    command += ["--rules", ROOT / "paper/kcc-rules.tex", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("content") / "results")


@pytest.fixture(scope="module")
def review(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pdf = tmp_path_factory.mktemp("review") / "main.pdf"
    result = build(results, pdf, "--authors", str(AUTHORS))
    assert result.returncode == 0, result.stdout + result.stderr
    return pdf


@pytest.fixture(scope="module")
def final(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pdf = tmp_path_factory.mktemp("final") / "main.pdf"
    result = build(results, pdf, "--authors", str(AUTHORS), "--final")
    assert result.returncode == 0, result.stdout + result.stderr
    return pdf


def test_two_builds_are_identical(review: Path, results: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pdf"
    result = build(results, again, "--build-dir", str(tmp_path / "elsewhere/a much longer name"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert again.read_bytes() == review.read_bytes()


def test_authors_are_in_the_final_copy_only(review: Path, final: Path) -> None:
    names = ("--authors", str(AUTHORS))
    assert check(review, *names).returncode == 0
    assert check(final, *names, "--final").returncode == 0
    assert "홍길동" in (mixed := check(final, *names)).stdout
    assert mixed.returncode == 1
    assert "홍길동 is missing" in check(review, *names, "--final").stdout


def test_a_final_copy_needs_authors(results: Path, tmp_path: Path) -> None:
    paper = shutil.copytree(
        ROOT / "paper", tmp_path / "paper", ignore=shutil.ignore_patterns("authors.tex")
    )
    result = build(results, tmp_path / "main.pdf", "--final", paper=paper)
    assert result.returncode == 1
    assert "authors.example.tex" in result.stderr


def test_undefined_result_stops_the_build(results: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(results, tmp_path / "results")
    numbers = (broken / "generated/numbers.tex").read_text().splitlines(keepends=True)
    kept = [line for line in numbers if "uncertainty.size" not in line]
    (broken / "generated/numbers.tex").write_text("".join(kept))
    result = build(sealed(broken), tmp_path / "main.pdf")
    assert result.returncode == 1
    assert re.search(r"paper\.tex:\d+: .*no result is called 'uncertainty\.size'", result.stderr)
    assert not (tmp_path / "main.pdf").exists()
    # A draft from older results shows that it is lacking, and says so.
    draft = build(broken, tmp_path / "draft.pdf", "--draft")
    assert draft.returncode == 0, draft.stderr
    assert "shown as ?: uncertainty.size; publish them anew" in draft.stdout
    assert (tmp_path / "draft.pdf").is_file()


def test_altered_content_stops_the_build(results: Path, tmp_path: Path) -> None:
    """A number, a figure or the record of both that is not what the evidence wrote."""
    for file in ("generated/numbers.tex", "generated/figure_plane.pdf", "provenance.json"):
        altered = shutil.copytree(results, tmp_path / Path(file).stem)
        (altered / file).write_bytes((altered / file).read_bytes().replace(b"1", b"2") + b" ")
        result = build(altered, tmp_path / "main.pdf")
        assert result.returncode == 1
        assert "not what was written there" in result.stderr
        (altered / file).unlink()
        result = build(altered, tmp_path / "main.pdf")
        assert result.returncode == 1
        assert str(altered / file) in result.stderr
        assert not (tmp_path / "main.pdf").exists()


@pytest.mark.parametrize(
    "source", [*BY_HAND, *sorted(ROOT.glob("replications/*/paper.tex"))], ids=str
)
def test_no_number_is_typed_beside_a_result(source: Path) -> None:
    """A sentence that states a result has its numbers from `\\result` alone; names such as FCN8s,
    formulae, references and confidence levels are no results."""
    text = re.sub(r"(?m)(?<!\\)%.*$", "", source.read_text(encoding="utf-8"))
    sentences = re.split(r"(?<=다\.)\s", text)
    stating = [sentence for sentence in sentences if r"\result{" in sentence]
    for sentence in stating:
        plain = re.sub(r"\\(result|cite|ref|eqref|label|input)\{[^}]*\}", "", sentence)
        plain = re.sub(r"\\(includegraphics|resulttable)\b[^\n]*", "", plain)
        plain = re.sub(
            r"\$[^$]*\$|(?s:\\begin\{equation\}.*?\\end\{equation\})|95\\,\\%", "", plain
        )
        plain = re.sub(r"[A-Za-z-]+\d+\w*", "", plain)
        assert not re.search(r"\d", plain), plain


def test_length_overfull_boxes_and_citations_are_checked(results: Path, tmp_path: Path) -> None:
    """One build with its faults: too long, a box over the edge, a citation of nothing."""
    filler = r"\par\newpage\null" * 10 + r"\noindent\rule{200mm}{1pt} \cite{nobody}\par"
    long = tmp_path / "uncertainty/paper.tex"
    long.parent.mkdir()
    long.write_text(SECTION.read_text(encoding="utf-8") + filler, encoding="utf-8")
    result = build(results, tmp_path / "main.pdf", section=long)
    assert result.returncode == 1
    assert "FAILED  page count" in result.stdout
    assert re.search(
        r"FAILED  overfull boxes .*\n.*replications/uncertainty/paper\.tex", result.stdout
    )
    assert re.search(r"FAILED  references .*\n.*nobody", result.stdout)
    assert "page count, margins, overfull boxes, references" in result.stderr
    assert not (tmp_path / "main.pdf").exists()


def test_margins_and_sizes_are_measured(review: Path, tmp_path: Path) -> None:
    """The same PDF fails stricter rules."""
    rules = (ROOT / "paper/kcc-rules.tex").read_text()
    rules = rules.replace("{margin-left}{10mm}", "{margin-left}{15mm}")
    (tmp_path / "rules.tex").write_text(rules.replace("{text-above}{9pt}", "{text-above}{9.8pt}"))
    result = check(review, "--rules", str(tmp_path / "rules.tex"))
    assert "FAILED  margins" in result.stdout
    assert "FAILED  text size" in result.stdout
    assert result.returncode == 1


def test_the_document_of_families_without_their_own(results: Path, tmp_path: Path) -> None:
    """Nor does a study without a ladder have its figure."""
    single = shutil.copytree(results, tmp_path / "results")
    (single / "generated/figure_ladder.pdf").unlink()
    result = build(sealed(single), tmp_path / "main.pdf", main=ROOT / "paper/family.tex")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "main.pdf").is_file()
