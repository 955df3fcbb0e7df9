"""A study on a cluster: submitted to SLURM, cut off there, and carried on.

Needs the package snakemake-executor-plugin-slurm and a SLURM to submit to, which `tests/slurm.sh
start` makes of this machine, as root. `STUDY=quick pytest tests/test_slurm.py` trains the default
study in place of the smallest.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from conftest import copy_project

PLUGIN = "snakemake_executor_plugin_slurm"
STUDY = os.environ.get("STUDY", "micro")
TRAINED = f"results/{STUDY}/uncertainty/*/[0-9]*/metrics.json"
SUBMIT = [
    *["snakemake", "--workflow-profile", "workflow/profiles/slurm", "uncertainty"],
    *["--slurm-status-command", "squeue", "--seconds-between-status-checks", "2"],
    *["--slurm-init-seconds-before-status-checks", "2"],
    *["--config", f"study={STUDY}", "device=cpu", "replications=[uncertainty]"],
]


def there() -> bool:
    """Whether there is a SLURM with a node, and Snakemake's plugin for it."""
    if importlib.util.find_spec(PLUGIN) is None or shutil.which("sinfo") is None:
        return False
    answer = subprocess.run(["sinfo", "--noheader"], capture_output=True, text=True)
    return answer.returncode == 0 and bool(answer.stdout.strip())


@pytest.mark.skipif(not there(), reason=f"needs {PLUGIN} and SLURM: tests/slurm.sh start")
def test_a_study_is_submitted_killed_and_carried_on(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    with (tmp_path / "first").open("w") as said:
        first = subprocess.Popen(SUBMIT, cwd=project, stdout=said, stderr=said)
        while len(done := list(project.glob(TRAINED))) < 3:
            assert first.poll() is None, (tmp_path / "first").read_text()
            time.sleep(0.5)
        first.kill()
        first.wait()
    # The nodes know nothing of it: what is submitted goes on beside the next call, or waits.
    before = {path: path.read_bytes() for path in done}
    second = subprocess.run(SUBMIT, cwd=project, capture_output=True, text=True)
    assert second.returncode == 0, second.stderr
    assert {path: path.read_bytes() for path in done} == before
    runs = pd.read_csv(project / f"results/{STUDY}/uncertainty/runs.csv")
    assert len(runs[["run", "seed"]].drop_duplicates()) == len(list(project.glob(TRAINED)))
    again = subprocess.run([*SUBMIT, "-n"], cwd=project, capture_output=True, text=True)
    assert "Nothing to be done" in again.stdout + again.stderr
    local = ["snakemake", "--cores", "1", *SUBMIT[3:4], "-n", *SUBMIT[-4:]]
    elsewhere = subprocess.run(local, cwd=project, capture_output=True, text=True)
    assert "Nothing to be done" in elsewhere.stdout + elsewhere.stderr
