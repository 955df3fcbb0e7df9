"""`snakemake multinet` on the micro study, from the bundled data to what the paper inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.micro("multinet")

RUNS = ("single_road", "single_vehicles", "single_scene", "joint")


@pytest.fixture(scope="module")
def results(micro_study: Callable[[str], Path]) -> Path:
    """The results of MultiNet."""
    return micro_study("multinet")


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
    for key in ("latency_saved", "params_saved", "flops_saved"):
        assert f"multinet.costs.joint_{key}}}" in numbers


def test_claims_have_the_verdicts_a_micro_study_allows(results: Path) -> None:
    claims = pd.read_csv(results / "claims.csv", dtype={"claim": str}).set_index("claim")
    assert list(claims.index) == ["1", "2", "3", "4", "4p", "5", "5h", "5r", "6", "6p", "L"]
    assert set(claims.loc[["1", "2", "3", "5", "5h", "5r", "L"], "verdict"]) == {"undecided"}
    assert set(claims.loc[["6", "6p"], "verdict"]) == {"reproduced"}
    assert claims.loc["4p", "verdict"] != "undecided"


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
