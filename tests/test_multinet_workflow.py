"""`snakemake multinet` on the micro study, from the bundled data to what the paper inputs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT

RUNS = ("single_road", "single_vehicles", "single_scene", "joint")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, archives: Path) -> Path:
    """The results of MultiNet in a copy of the project."""
    folder = tmp_path_factory.mktemp("multinet") / "project"
    for part in ("replications", "workflow", "config", ".dvc", "data.dvc", "paper"):
        source = ROOT / part
        ignore = shutil.ignore_patterns("__pycache__", "tmp", "main.pdf")
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy(source, folder / part)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(
        ["snakemake", "--cores", "2", "multinet", "--config", "study=micro", "device=cpu"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "results" / "micro" / "multinet"


def test_every_run_has_the_metrics_of_its_tasks(results: Path) -> None:
    runs = pd.read_csv(results / "runs.csv")
    test = runs[runs["split"] == "test"]
    of_run = {run: set(test.loc[test["run"] == run, "task"]) for run in RUNS}
    assert of_run == {
        "single_road": {"road"},
        "single_vehicles": {"vehicles"},
        "single_scene": {"scene"},
        "joint": {"road", "vehicles", "scene"},
    }
    assert set(test.loc[test["task"] == "vehicles", "metric"]) == {
        f"{kind}_{difficulty}{suffix}"
        for difficulty in ("easy", "moderate", "hard")
        for kind, suffix in (("ap", ""), ("ap", "_iou50"), ("ap40", ""))
    }


def test_costs_compare_the_joint_network_with_the_three_it_replaces(results: Path) -> None:
    costs = pd.read_csv(results / "costs.csv")
    joint, single = costs[costs["run"] == "joint"], costs[costs["role"] == "single"]
    assert (joint["latency_separate_ms"] > joint["latency_ms"]).all()
    assert np.allclose(single["latency_separate_ms"], single["latency_ms"])
    numbers = (results / "numbers.tex").read_text(encoding="utf-8")
    for key in ("latency", "latency_separate", "latency_saved", "params_saved", "images_per_s"):
        assert f"multinet.joint.{key}}}" in numbers


def test_claims_have_the_verdicts_a_micro_study_allows(results: Path) -> None:
    claims = pd.read_csv(results / "claims.csv", dtype={"claim": str}).set_index("claim")
    assert list(claims.index) == ["1", "2", "3", "4", "5", "6"]
    assert set(claims.loc[["1", "2", "3", "5"], "verdict"]) == {"undecided"}
    assert claims.loc["6", "verdict"] == "reproduced"


def test_the_table_shows_reported_beside_measured(results: Path) -> None:
    table = (results / "table_results.tex").read_text(encoding="utf-8")
    joint = next(line for line in table.splitlines() if line.startswith("세 작업"))
    for reported in ("95.13", "84.39", "94.38"):
        assert rf"\num{{{reported}}}" in joint


def test_the_figure_is_drawn(results: Path) -> None:
    assert (results / "figure_examples.pdf").read_bytes().startswith(b"%PDF")
    with np.load(results / "joint" / "0" / "examples.npz") as arrays:
        assert arrays["predicted_vehicles"].shape[2] == 5
        assert arrays["predicted_road"].shape == arrays["truth_road"].shape
        assert arrays["predicted_scene"].ndim == 1
