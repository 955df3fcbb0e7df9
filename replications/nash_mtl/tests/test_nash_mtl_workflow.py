"""`snakemake nash_mtl` on the micro study, from the bundled data to what the paper inputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replications.core.spec import load_plan

pytestmark = pytest.mark.micro("nash_mtl")


@pytest.fixture(scope="module")
def results(micro_study: Callable[[str], Path]) -> Path:
    """The results of Nash-MTL."""
    return micro_study("nash_mtl")


def test_nash_satisfies_its_equation_at_every_recorded_step(results: Path) -> None:
    history = pd.read_csv(results / "nash" / "0" / "history.csv")
    assert list(history["step"]) == [1, 2, 3, 4, 5, 6]
    solved = history[history["weight_semseg"] > 0]
    assert len(solved) + history["stationary_steps"].iloc[-1] == 6
    assert (solved["residual"] <= 1e-8).all()
    assert (history.filter(like="cosine_").abs() <= 1 + 1e-12).all(axis=None)


def test_experiments_read_the_histories_of_the_runs(results: Path) -> None:
    found = {
        name: json.loads((results / name / "numbers.json").read_text(encoding="utf-8"))
        for name in load_plan("nash_mtl", "micro").experiments
    }
    assert found["scale"]["nash_change"] < 1e-4
    assert found["scale"]["equal_change"] == pytest.approx(9, rel=1e-4)
    assert found["solver"]["solves"] == 6
    assert found["variants"]["nash_every_10_first"] < 1e-6
    assert found["toy"]["trajectories"] == 10


def test_delta_m_averages_the_papers_nine_metrics(results: Path) -> None:
    """The errors that the paper does not report are measured and left out."""
    runs = pd.read_csv(results / "runs.csv")
    test = runs[runs["split"] == "test"].set_index(["run", "task", "metric"])
    assert ("equal", "depth", "rmse") in test.index
    averaged = load_plan("nash_mtl", "micro").replication.averaged
    gains = []
    for task, metrics in averaged.items():
        for metric in metrics:
            multi, single = (
                test.loc[("equal", task, metric)],
                test.loc[(f"single_{task}", task, metric)],
            )
            sign = 1 if multi["higher_is_better"] else -1
            gains.append(100 * sign * (multi["value"] / single["value"] - 1))
    assert len(gains) == 9
    delta = pd.read_csv(results / "delta_m.csv").set_index(["run", "definition"])["value"]
    if np.isfinite(gains).all():
        assert delta[("equal", "per_metric")] == pytest.approx(-np.mean(gains))
    else:
        assert ("equal", "per_metric") not in delta.index


def test_claims_have_the_verdicts_a_micro_study_allows(results: Path) -> None:
    claims = pd.read_csv(results / "claims.csv", dtype={"claim": str}).set_index("claim")
    assert list(claims.index) == ["1", "2", "3", "4", "5", "5t", "L"]
    assert set(claims.loc[["1", "5", "L"], "verdict"]) == {"undecided"}
    assert set(claims.loc[["2", "3"], "verdict"]) == {"reproduced"}
    # Two hundred steps do not lead to the front.
    assert claims.loc["4", "verdict"] == "contradicted"


def test_the_table_shows_reported_beside_measured(results: Path) -> None:
    table = (results / "table_results.tex").read_text(encoding="utf-8")
    nash = next(line for line in table.splitlines() if line.startswith("Nash-MTL"))
    for reported in ("40.13", "0.5261", "25.26"):
        assert rf"\num{{{reported}}}" in nash


def test_figures_are_drawn(results: Path) -> None:
    for name in ("toy", "solver", "conflict"):
        assert (results / f"figure_{name}.pdf").read_bytes().startswith(b"%PDF")
