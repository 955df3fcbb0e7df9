"""The tutorial, done from the beginning to the end as it is written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from conftest import ROOT, copy_project

STEP = re.compile(
    r"(?:<!-- (?P<how>file|after): (?P<where>.*?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```\n",
    re.DOTALL,
)
SETTING_UP = ("make setup", ". .venv/bin/activate")


def do(step: re.Match[str], project: Path) -> None:
    """What a reader does at a step: type, or edit a file."""
    text = step["text"]
    if step["kind"] == "bash":
        typed = "\n".join(line for line in text.splitlines() if line not in SETTING_UP)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", typed],
            cwd=project,
            env=os.environ | {"COLUMNS": "80"},
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{typed}\n{done.stdout[-3000:]}"
    elif step["how"] == "file":
        (project / step["where"]).write_text(text, encoding="utf-8")
    else:
        name, _, line = step["where"].partition(": ")
        path = project / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (at,) = [i for i, found in enumerate(lines) if found.startswith(line.strip('"'))]
        lines.insert(at + 1, text)
        path.write_text("".join(lines), encoding="utf-8")


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")
def test_a_newcomer_gets_from_an_empty_folder_to_a_paper(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    shutil.copy(ROOT / "Makefile", project)
    (project / ".venv").mkdir()
    (project / ".venv" / "complete").touch()  # what `make setup` leaves; we are set up already
    shutil.copy(ROOT / "requirements.txt", project)
    os.utime(project / "requirements.txt", (0, 0))
    os.utime(project / "workflow" / "scripts" / "make_venv.sh", (0, 0))
    steps = list(STEP.finditer((ROOT / "TUTORIAL.md").read_text(encoding="utf-8")))
    assert len(steps) == 12
    for step in steps:
        do(step, project)
    claims = pd.read_csv(project / "results/mine/my_system/claims.csv", dtype={"claim": str})
    verdicts = claims.set_index("claim")["verdict"]
    assert set(verdicts.index) == {"1", "2", "3"}
    assert verdicts["3"] == "reproduced"
    assert (project / "results" / "mine" / "index.html").is_file()
    assert (project / "paper" / "drafts.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "my-paper" / "main.pdf").read_bytes().startswith(b"%PDF")
