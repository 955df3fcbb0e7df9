"""What a person who asks for something is told: what there is, how long, what is wrong."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from conftest import ROOT
from replications.core.errors import meant
from replications.core.evidence.forecast import forecast
from replications.core.spec import load_plan


def snakemake(*arguments: str) -> str:
    """What a dry run says."""
    done = subprocess.run(
        ["snakemake", "--dry-run", *arguments],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["uncertanty"], "no target 'uncertanty'; did you mean 'uncertainty'?"),
        (["--config", "study=qick"], "it has: .*; did you mean 'quick'?"),
        (
            ["--config", "replications=[nash_mtI]"],
            "no replication 'nash_mtI': .*; did you mean 'nash_mtl'?",
        ),
        (["--config", "families=[kc]"], "no family kc; there are: .*; did you mean 'kcc'?"),
        (
            ["results/cpu/mtan/mtan/0/metrics.json"],
            "another one is asked for with --config study=cpu",
        ),
        (
            ["results/quick/mtann/mtan/0/metrics.json"],
            "no replication 'mtann'; did you mean 'mtan'?",
        ),
        (
            ["results/quick/uncertainty/equl/0/metrics.json"],
            "no run 'equl'; did you mean 'equal'?",
        ),
    ],
)
def test_what_is_misspelt_is_refused_with_what_was_meant(
    arguments: list[str], message: str
) -> None:
    said = snakemake(*arguments)
    assert re.search(message.replace("?", r"\?"), said), said
    assert "Traceback" not in said


def test_what_is_like_nothing_gets_no_suggestion() -> None:
    assert meant("xyz", ["quick", "cpu"]) == ""


def test_help_lists_targets_and_studies() -> None:
    done = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for word in ("make test", "draft", "site", "Family kcc"):
        assert word in done.stdout
    quick = next(line for line in done.stdout.splitlines() if line.startswith("  quick"))
    trainings = sum(
        plan.seeds * len(plan.runs)
        for plan in (
            load_plan(name, "quick")
            for name in ("multinet", "uncertainty", "mti_net", "nash_mtl", "nash_qm9")
        )
    )
    assert quick.split()[1] == str(trainings)
    assert "unless another is asked for" in quick


def test_the_environment_need_not_be_activated() -> None:
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "help"]
    path = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=ROOT, env=os.environ | path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Family kcc" in done.stdout


def test_the_forecast_of_what_was_measured_is_what_was_measured(tmp_path: Path) -> None:
    """Of the published study of one replication, where nothing was trained on this machine, whose
    own times would count first; starts of trainings aside."""
    published = Path("published", "uncertainty")
    shutil.copytree(ROOT / "results" / published, tmp_path / published)
    plan = load_plan("uncertainty", "cpu")
    found = forecast("cpu", [plan], tmp_path)
    costs = pd.read_csv(tmp_path / published / "costs.csv")
    assert found.trainings == len(costs)
    assert found.steps == sum(plan.settings_of(run).steps for run in plan.runs) * plan.seeds
    assert found.seconds is not None
    assert found.seconds - 2.5 * len(costs) == pytest.approx(costs["training_s"].sum(), rel=0.1)
    full = forecast("full", [load_plan("uncertainty", "full")], tmp_path)
    assert full.seconds is None  # another network, which nobody has timed
