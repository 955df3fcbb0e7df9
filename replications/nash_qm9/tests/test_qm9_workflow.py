"""`snakemake nash_qm9` on the micro study, from the package to what the paper inputs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replications.nash_qm9.molecules.options import PROPERTIES

pytestmark = pytest.mark.micro("nash_qm9")


@pytest.fixture(scope="module")
def project(micro_study: Callable[[str], Path]) -> Path:
    """A copy of the project in which QM9's part was built."""
    return micro_study("nash_qm9").parents[2]


@pytest.fixture(scope="module")
def results(project: Path) -> Path:
    """The results of QM9's part."""
    return project / "results" / "micro" / "nash_qm9"


def test_molecules_are_prepared_for_the_study(project: Path) -> None:
    path = project / "data" / "prepared" / "qm9-64x16x32" / "dataset.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    assert description["splits"] == {"train": 64, "val": 16, "test": 32}
    assert list(description["facts"]["properties"]) == list(PROPERTIES)


def test_a_study_of_fewer_properties(results: Path) -> None:
    runs = pd.read_csv(results / "runs.csv")
    of_run = runs[runs["split"] == "test"].groupby("run")["task"].agg(set).to_dict()
    both = {"mu", "u0"}
    assert of_run == {"single_mu": {"mu"}, "single_u0": {"u0"}, "equal": both, "nash": both}
    assert set(runs["metric"]) == {"mae"}


def test_claim_compares_delta_m_with_single_task_training(results: Path) -> None:
    comparisons = pd.read_csv(results / "comparisons.csv").set_index(["run", "against"])
    delta = pd.read_csv(results / "delta_m.csv")
    delta = delta[delta["axis"] == "steps=6"]
    mean = delta[delta["definition"] == "per_metric"].groupby("run")["value"].mean()
    assert comparisons.loc[("single", "nash"), "difference"] == pytest.approx(mean["nash"])
    difference = comparisons.loc[("nash", "equal"), "difference"]
    assert difference == pytest.approx(mean["equal"] - mean["nash"])
    claims = pd.read_csv(results / "claims.csv")
    assert claims["claim"].tolist() == ["6", "L"]
    assert claims["verdict"].tolist() == ["undecided"] * 2


def test_every_comparison_at_every_budget(results: Path) -> None:
    """Of delta_m, so in points; the last budget is that of the comparisons."""
    ladder = pd.read_csv(results / "ladder.csv")
    assert ladder.groupby("part")["steps"].agg(list).tolist() == [[3, 6]] * 3
    last = ladder[ladder["steps"] == 6].set_index(["run", "against"])["difference"]
    comparisons = pd.read_csv(results / "comparisons.csv").set_index(["run", "against"])
    assert last.to_dict() == pytest.approx(comparisons["difference"].to_dict())
    assert ladder["percent"].tolist() == pytest.approx(ladder["difference"].tolist())


def test_floors_and_how_fast_runs_learn(results: Path) -> None:
    floors = pd.read_csv(results / "floors.csv").set_index("task")
    assert (floors["least"] < floors["floor"]).all()
    reaching = pd.read_csv(results / "reaching.csv")
    assert set(zip(reaching["run"], reaching["task"], strict=True)) == {
        (run, task) for run in ("equal", "nash") for task in ("mu", "u0")
    }
    assert (reaching["reached"] <= reaching["seeds"]).all()


def test_the_table_shows_reported_beside_measured(results: Path) -> None:
    table = (results / "table_results.tex").read_text(encoding="utf-8")
    nash = next(line for line in table.splitlines() if line.startswith("Nash-MTL"))
    for reported in ("0.102", "74.5", "62"):
        assert rf"\num{{{reported}}}" in nash
    assert "LUMO" not in table.partition(r"\midrule")[0]


def test_history_and_figure(results: Path) -> None:
    history = pd.read_csv(results / "nash" / "0" / "history.csv")
    assert {"weight_mu", "weight_u0", "val_mu_mae"} <= set(history)
    with np.load(results / "nash" / "0" / "examples.npz") as arrays:
        assert arrays["predicted_u0"].shape == arrays["truth_u0"].shape == (32,)
    for figure in ("examples", "delta_m", "curves", "ladder", "axes"):
        assert (results / f"figure_{figure}.pdf").read_bytes().startswith(b"%PDF")


def test_nothing_is_left_to_do(project: Path) -> None:
    choice = ["study=micro", "device=cpu", "replications=[nash_qm9]"]
    run = subprocess.run(
        ["snakemake", "--cores", "2", "-n", "nash_qm9", "--config", *choice],
        cwd=project,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Nothing to be done" in run.stdout + run.stderr
