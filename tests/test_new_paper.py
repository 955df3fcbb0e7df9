"""A paper of one's own on the published results: it compiles where it lies, by latexmk alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader

from conftest import ROOT

pytestmark = pytest.mark.skipif(
    shutil.which("latexmk") is None or shutil.which("xelatex") is None,
    reason="latexmk and xelatex are not installed; build_paper.py says how to get them",
)


def new_paper(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "workflow" / "scripts" / "new_paper.py"
    command = [sys.executable, str(script), str(folder), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "my-paper"
    done = new_paper(folder, "--replications", "uncertainty", "mti_net")
    assert done.returncode == 0, done.stderr
    return folder


def test_it_compiles_by_itself_and_has_the_published_numbers(paper: Path, tmp_path: Path) -> None:
    """Unpacked from the zip, as a supervisor gets it."""
    with zipfile.ZipFile(paper.with_suffix(".zip")) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "my-paper"
    done = subprocess.run(["latexmk", "-silent"], cwd=folder, check=False, capture_output=True)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]
    text = re.sub(
        r"\s", "", "".join(p.extract_text() for p in PdfReader(folder / "main.pdf").pages)
    )
    assert "불확실성가중" in text
    assert "MTI-Net" in text
    keys = (folder / "KEYS.md").read_text("utf-8")
    sentence = re.search(r"\| `sentence.study.answer` \| (.*?) \|", keys)
    assert sentence is not None
    assert sentence[1].split()[0] in text
    assert "??" not in text


def test_every_key_of_the_text_is_listed(paper: Path) -> None:
    keys = set(re.findall(r"\| `([^`]+)` \|", (paper / "KEYS.md").read_text("utf-8")))
    for source in (paper / "main.tex", *paper.glob("replications/*/paper.tex")):
        assert set(re.findall(r"\\result\{([^}]+)\}", source.read_text("utf-8"))) <= keys | {"key"}


def test_refreshing_keeps_what_was_written(paper: Path) -> None:
    refused = new_paper(paper, "--replications", "uncertainty")
    assert refused.returncode == 1
    assert "is there already; --refresh brings it up to date" in refused.stderr
    own = paper / "main.tex"
    own.write_text(own.read_text("utf-8").replace("논문 제목", "우리의 제목"), "utf-8")
    numbers = paper / "generated" / "numbers.tex"
    before = numbers.read_bytes()
    numbers.write_text("", "utf-8")
    done = new_paper(paper, "--replications", "uncertainty", "mti_net", "--refresh")
    assert done.returncode == 0, done.stderr
    assert "우리의 제목" in own.read_text("utf-8")
    assert numbers.read_bytes() == before


def test_refreshing_adds_replications(paper: Path) -> None:
    names = ("uncertainty", "mti_net", "nash_mtl")
    done = new_paper(paper, "--replications", *names, "--refresh")
    assert done.returncode == 0, done.stderr
    assert (paper / "replications" / "nash_mtl" / "paper.tex").is_file()
    assert "nash_mtl" in (paper / "generated" / "sections.tex").read_text("utf-8")


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    unknown = new_paper(tmp_path / "a", "--replications", "uncertanty")
    assert "no results of 'uncertanty'; did you mean 'uncertainty'?" in unknown.stderr
    inside = new_paper(ROOT / "paper" / "mine", "--replications", "uncertainty")
    assert "inside this project" in inside.stderr
    assert not (ROOT / "paper" / "mine").exists()
