"""What scaling one loss does to the weighted losses of each weighting, at the first step.

At the first step a run and its twin with a scaled loss have the same model and the same batch, so
weight times loss of a task differs by what the weighting makes of the factor and by nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from replications.core.engine.experiment import Measured, run_experiment
from replications.core.spec import Plan

if TYPE_CHECKING:
    import torch


def twins(plan: Plan) -> dict[str, str]:
    """Of the runs whose histories the experiment reads, each with a scaled loss, and the run from
    which it differs in nothing else."""
    runs = {name: plan.runs[name] for name in plan.experiments["scale"].histories}
    alike = {
        name: run.model_copy(update={"loss_scale": {}, "title": "", "rate_of": None})
        for name, run in runs.items()
    }
    return {
        scaled: plain
        for scaled in runs
        for plain in runs
        if runs[scaled].loss_scale and not runs[plain].loss_scale and alike[scaled] == alike[plain]
    }


def changes(plan: Plan, folder: Path) -> pd.DataFrame:
    """A row per scaled run, seed and task: `before` and `after`, weight times loss without and with
    the factor, and `change`, the relative difference.

    `folder` holds the run folders.
    """
    rows = []
    for scaled, plain in twins(plan).items():
        for seed in plan.seed_numbers:
            first = {
                run: pd.read_csv(folder / run / str(seed) / "history.csv").iloc[0]
                for run in (plain, scaled)
            }
            for task in plan.runs[scaled].tasks:
                before, after = (
                    float(first[run][f"weight_{task}"] * first[run][f"loss_{task}"])
                    for run in (plain, scaled)
                )
                row = {"weighting": plain, "run": scaled, "seed": seed, "task": task}
                row["factor"] = plan.runs[scaled].loss_scale.get(task, 1.0)
                rows.append(
                    row | {"before": before, "after": after, "change": abs(after / before - 1)}
                )
    return pd.DataFrame(rows)


def numbers(table: pd.DataFrame) -> dict[str, float]:
    """The largest change under each weighting, and the least of those that are not Nash-MTL's."""
    largest = table.groupby("weighting")["change"].max()
    found = {f"{weighting}_change": float(change) for weighting, change in largest.items()}
    return found | {"others_change": float(largest.drop("nash").min())}


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """From the histories of the runs and their twins."""
    table = changes(plan, folder)
    return table, numbers(table)


if __name__ == "__main__":
    run_experiment("nash_mtl", "scale", measure)
