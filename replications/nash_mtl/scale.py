"""What scaling one loss does to the weighted losses of each weighting, at the first step.

There a run and its twin with a scaled loss have the same model and the same batch, so weight times
loss of a task differs by what the weighting makes of the factor and by nothing else.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from replications.core.engine.experiment import Measured, run_experiment
from replications.core.spec import Plan
from replications.nash_mtl.stepping import step_of


def weighted_losses(
    plan: Plan, run: str, scale: dict[str, float], seed: int, device: torch.device
) -> dict[str, float]:
    """Weight times loss of each task at the first step of a run whose losses have these factors."""
    spec = plan.runs[run].model_copy(update={"loss_scale": scale})
    scaled = plan.model_copy(update={"runs": plan.runs | {run: spec}})
    step = step_of(scaled, run, seed, device)
    torch.manual_seed(seed)  # some weightings draw
    found = step()
    return {task: float(found[f"weight_{task}"] * found[f"loss_{task}"]) for task in spec.tasks}


def changes(plan: Plan, factors: dict[str, float], device: torch.device) -> pd.DataFrame:
    """A row per run that the experiment is about, seed and task: `before` and `after`, weight times
    loss without and with the factors, and `change`, the relative difference."""
    rows = []
    for run in plan.experiments["scale"].histories:
        for seed in plan.seed_numbers:
            before = weighted_losses(plan, run, {}, seed, device)
            after = weighted_losses(plan, run, factors, seed, device)
            for task in plan.runs[run].tasks:
                row = {"run": run, "seed": seed, "task": task, "factor": factors.get(task, 1.0)}
                row |= {"before": before[task], "after": after[task]}
                rows.append(row | {"change": abs(after[task] / before[task] - 1)})
    return pd.DataFrame(rows)


def numbers(table: pd.DataFrame, others: list[str]) -> dict[str, float]:
    """The largest change under each weighting, and the least of those of `others`."""
    largest = table.groupby("run", sort=False)["change"].max()
    found = {f"{run}_change": float(change) for run, change in largest.items()}
    return found | {"others_change": float(largest[largest.index.intersection(others)].min())}


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """Under each of the weightings that the study has."""
    options = plan.experiments["scale"].options
    table = changes(plan, options["factors"], device)
    return table, numbers(table, options["others"])


if __name__ == "__main__":
    run_experiment("nash_mtl", "scale", measure)
