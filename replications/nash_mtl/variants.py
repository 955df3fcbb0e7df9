"""What the cheaper variants of Nash-MTL save, and how close their alpha comes to the exact one."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.data.labels import Array
from replications.core.errors import run_command
from replications.core.files import write_json, write_text
from replications.core.spec import Plan, load_plan


def variants(plan: Plan) -> list[str]:
    """The runs of the study that are weighted by Nash-MTL in one form or another, unscaled."""
    return [
        name
        for name, run in plan.runs.items()
        if run.weighting.name.startswith("nash") and not run.loss_scale
    ]


def shares(folder: Path, tasks: list[str]) -> Array:
    """(rows, K) of a history: each task's part of the sum of the alphas, which is all of alpha that
    counts where the update is clipped. Rows of Pareto-stationary points, without alpha, are NaN."""
    history = pd.read_csv(folder / "history.csv")
    alpha = history[[f"weight_{task}" for task in tasks]].to_numpy()
    total = alpha.sum(axis=1, keepdims=True)
    found: Array = np.divide(alpha, total, out=np.full_like(alpha, np.nan), where=total > 0)
    return found


def comparison(plan: Plan, folder: Path) -> pd.DataFrame:
    """A row per variant and seed, equal weights included.

    `training_s` and `solver_s` are the seconds of the training and of the solver in it; the others
    say how far the tasks' shares of alpha lie from those of exact Nash-MTL, as the largest over
    tasks: `first_difference` at the first step, where the models are the same, and
    `mean_difference` between the means over the training.
    """
    tasks = plan.runs["nash"].tasks
    rows = []
    for seed in range(plan.seeds):
        exact = shares(folder / "nash" / str(seed), tasks)
        for run in ["equal", *variants(plan)]:
            own = folder / run / str(seed)
            cost = json.loads((own / "cost.json").read_text(encoding="utf-8"))
            found = shares(own, tasks)
            means = np.abs(np.nanmean(found, axis=0) - np.nanmean(exact, axis=0))
            rows.append(
                {
                    "run": run,
                    "seed": seed,
                    "training_s": cost["training_s"],
                    "solver_s": cost.get("solver_s", 0.0),
                    "first_difference": float(np.abs(found[0] - exact[0]).max()),
                    "mean_difference": float(means.max()),
                }
            )
    return pd.DataFrame(rows)


def numbers(table: pd.DataFrame) -> dict[str, float]:
    """Medians over seeds: by how many percent Nash-MTL takes longer than equal weights, what part
    of that, in percent, each variant saves, the solver's percentage of the training, and the
    differences in percentage points."""
    median = table.groupby("run", sort=False).median(numeric_only=True)
    seconds = median["training_s"]
    extra = seconds["nash"] - seconds["equal"]
    found = {
        "nash_extra": 100 * extra / seconds["equal"],
        "nash_solver": 100 * median.loc["nash", "solver_s"] / seconds["nash"],
    }
    for run in median.index.difference(["equal", "nash"], sort=False):
        # Where nothing is spent, nothing is saved.
        saved = (seconds["nash"] - seconds[run]) / extra if extra > 0 else 0.0
        found[f"{run}_saved"] = 100 * saved
        found[f"{run}_first"] = 100 * median.loc[run, "first_difference"]
        found[f"{run}_mean"] = 100 * median.loc[run, "mean_difference"]
    return {key: float(value) for key, value in found.items()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="results of the replication")
    arguments = parser.parse_args()
    table = comparison(load_plan("nash_mtl", arguments.study), arguments.folder)
    folder = arguments.folder / "variants"
    write_text(folder / "table.csv", table.to_csv(index=False))
    write_json(folder / "numbers.json", numbers(table))


if __name__ == "__main__":
    run_command(main)
