"""Test splits drawn anew: what is collected apart adds up, and which source of spread is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from replications.core.data.batches import read_description
from replications.core.engine.assembly import build_split, build_tasks, new_learner
from replications.core.engine.evaluate import evaluate, evaluate_resampled
from replications.core.evidence.comparisons import comparisons_table
from replications.core.evidence.values import Values
from replications.core.spec import Plan, load_plan

CPU = torch.device("cpu")
RUNS = [
    ("uncertainty", "equal"),
    ("multinet", "joint"),
    ("nash_mtl", "equal"),
    ("mti_net", "joint"),
]


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_groups_add_up_to_the_split(name: str, run: str, prepared: Path) -> None:
    """The metrics over the merged groups are those over the whole split, of every task."""
    plan, dataset = load_plan(name, "micro"), read_description(prepared)
    tasks = build_tasks(plan, run, dataset)
    learner = new_learner(plan, run, dataset, 0, CPU)
    test = build_split(plan.data, prepared, "test", tasks, CPU)
    whole, drawn = evaluate_resampled(learner, tasks, test)
    for task, metrics in evaluate(learner, tasks, test, complete=True).items():
        for metric, expected in metrics.items():
            assert whole[task][metric].value == pytest.approx(expected.value, rel=1e-9), metric
            found = [row[f"{task}.{metric}"] for row in drawn if f"{task}.{metric}" in row]
            assert min(found) <= expected.value <= max(found)
    assert len(drawn) == 100
    assert evaluate_resampled(learner, tasks, test)[1] == drawn


def test_frames_of_a_street_stay_together(prepared: Path) -> None:
    plan = load_plan("uncertainty", "micro")
    tasks = build_tasks(plan, "single_depth", read_description(prepared))
    test = build_split(plan.data, prepared, "test", tasks, CPU)
    assert test.groups() == [(start, start + 4) for start in range(0, 200, 4)]
    assert test.groups(most=30)[0] == (0, 8)
    assert test.groups(most=30)[-1] == (192, 200)


@pytest.mark.parametrize(("seeds", "samples"), [(3.0, 0.1), (0.1, 3.0)])
def test_the_larger_source_is_named(seeds: float, samples: float) -> None:
    """A run better by 5 points, with a known spread over seeds and over draws."""
    rng = np.random.default_rng(0)
    plan: Plan = load_plan("uncertainty", "quick").model_copy(update={"seeds": 10})
    of_seed, of_draw = rng.standard_normal(10), rng.standard_normal(100)
    key = ("semseg", "miou", "")
    other, own = np.full(10, 40.0), 45 + seeds * of_seed
    observed = {("single_semseg", *key): other, ("uncertainty", *key): own}
    redrawn = {
        ("single_semseg", *key): np.tile(other[:, None], 100),
        ("uncertainty", *key): own[:, None] + samples * of_draw[None],
    }
    higher = {("semseg", "miou"): True}
    table = comparisons_table(plan, Values(observed, higher), Values(redrawn, higher))
    row = table[table["claim"] == "1"].iloc[0]
    assert row["se_seeds"] == pytest.approx(seeds * of_seed.std(ddof=1) / 10**0.5)
    assert row["se_samples"] == pytest.approx(samples * of_draw.std(ddof=1))
    assert row["dominant"] == ("seeds" if seeds > samples else "samples")
    assert row["low_both"] < row["low"]
    assert row["high_both"] > row["high"]
    half = (row["high"] - row["low"]) / 2
    both = (row["high_both"] - row["low_both"]) / 2
    quantile = half / row["se_seeds"]
    assert both == pytest.approx(quantile * np.hypot(row["se_seeds"], row["se_samples"]))
