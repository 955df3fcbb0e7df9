"""What it takes a multi-task run to reach the single-task run's final value."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from replications.core.evidence.reaching import reaching_table
from replications.core.evidence.values import Values
from replications.core.spec import load_plan


def test_the_first_validation_that_is_as_good_counts(tmp_path: Path) -> None:
    """Two seeds: one reaches 40 at the second of four validations, the other never."""
    plan = load_plan("uncertainty", "quick").model_copy(update={"seeds": 2})
    plan = plan.model_copy(
        update={"runs": {r: plan.runs[r] for r in ("single_semseg", "single_depth", "equal")}}
    )
    tasks = {"semseg": "miou", "depth": "inverse_depth_l1"}
    equal = plan.runs["equal"].model_copy(update={"tasks": list(tasks)})
    plan = plan.model_copy(update={"runs": plan.runs | {"equal": equal}})
    curves = {
        ("single_semseg", 0): {"val_semseg_miou": [10, 20, 30, 40]},
        ("single_semseg", 1): {"val_semseg_miou": [10, 20, 30, 40]},
        ("single_depth", 0): {"val_depth_inverse_depth_l1": [9, 8, 7, 6]},
        ("single_depth", 1): {"val_depth_inverse_depth_l1": [9, 8, 7, 6]},
        ("equal", 0): {
            "val_semseg_miou": [20, 41, 39, 45],
            "val_depth_inverse_depth_l1": [6, 5, 4, 3],
        },
        ("equal", 1): {
            "val_semseg_miou": [20, 30, 35, 39],
            "val_depth_inverse_depth_l1": [9, 9, 6, 5],
        },
    }
    steps = plan.settings.steps
    for (run, seed), columns in curves.items():
        folder = tmp_path / run / str(seed)
        folder.mkdir(parents=True)
        at = [steps // 4, steps // 2, 3 * steps // 4, steps]
        pd.DataFrame({"step": at, **columns}).to_csv(folder / "history.csv", index=False)
    costs = pd.DataFrame(
        [(run, seed, 60.0 if run == "equal" else 40.0) for run, seed in curves],
        columns=["run", "seed", "training_s"],
    )
    values = Values({}, {("semseg", "miou"): True, ("depth", "inverse_depth_l1"): False})
    table = reaching_table(plan, values, costs, tmp_path).set_index("task")
    semseg, depth = table.loc["semseg"], table.loc["depth"]
    assert (semseg["seeds"], semseg["reached"]) == (2, 1)
    assert semseg["steps"] == steps // 2
    assert semseg["seconds"] == pytest.approx(30.0)
    assert semseg["single_seconds"] == 40.0
    assert depth["reached"] == 2
    assert depth["share"] == pytest.approx((0.25 + 0.75) / 2)
