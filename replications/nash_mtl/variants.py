"""What the cheaper variants of Nash-MTL save, and how close their alpha comes to the exact one.

Seconds are measured here, a step of every variant in turn, rather than taken from the trainings,
which share the machine with each other.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from replications.core.data.labels import Array
from replications.core.engine.experiment import Measured, run_experiment
from replications.core.spec import Plan
from replications.nash_mtl.stepping import Step, step_of


def variants(plan: Plan) -> list[str]:
    """The runs of the study that are weighted by Nash-MTL in one form or another, unscaled, at the
    last budget."""
    return [
        name
        for name, run in plan.runs.items()
        if run.weighting.name.startswith("nash") and not run.loss_scale and not run.axis
    ]


def seconds_per_step(plan: Plan, rounds: int, device: torch.device) -> dict[str, float]:
    """Mean seconds of a step of `equal` and of each variant, over the steps from one solve of alpha
    to the next; of each of these steps the least in `rounds` rounds, taken in turn.

    On a CPU seconds of this process, so that others do not count; on CUDA seconds of the clock.
    """
    steps = {run: step_of(plan, run, 0, device) for run in ["equal", *variants(plan)]}
    times: dict[str, list[list[float]]] = {run: [] for run in steps}
    for number in range(rounds + 1):
        for run, step in steps.items():
            weighting = plan.runs[run].weighting
            own = [_seconds(step, device) for _ in range(getattr(weighting, "update_every", 1))]
            if number:  # the first round warms up
                times[run].append(own)
    return {run: float(np.min(found, axis=0).mean()) for run, found in times.items()}


def _seconds(step: Step, device: torch.device) -> float:
    if device.type == "cpu":
        began = time.process_time()
        step()
        return time.process_time() - began
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    step()
    torch.cuda.synchronize(device)
    return time.perf_counter() - began


def shares(folder: Path, tasks: list[str]) -> Array:
    """(rows, K) of a history: each task's part of the sum of the alphas, which is all of alpha that
    counts where the update is clipped. Rows of Pareto-stationary points, without alpha, are NaN."""
    history = pd.read_csv(folder / "history.csv")
    alpha = history[[f"weight_{task}" for task in tasks]].to_numpy(dtype=float)
    total = alpha.sum(axis=1, keepdims=True)
    found: Array = np.divide(alpha, total, out=np.full_like(alpha, np.nan), where=total > 0)
    return found


def comparison(plan: Plan, folder: Path, seconds: dict[str, float]) -> pd.DataFrame:
    """A row per variant and seed, equal weights included, with its `step_s`.

    The rest says how far the tasks' shares of alpha lie from those of exact Nash-MTL, as the
    largest over tasks: `first_difference` at the first step, where the models are the same, and
    `mean_difference` between the means over the training.
    """
    tasks = plan.runs["nash"].tasks
    rows = []
    for seed in plan.seed_numbers:
        exact = shares(folder / "nash" / str(seed), tasks)
        for run, step_s in seconds.items():
            found = shares(folder / run / str(seed), tasks)
            means = np.abs(np.nanmean(found, axis=0) - np.nanmean(exact, axis=0))
            row = {"run": run, "seed": seed, "step_s": step_s}
            row["first_difference"] = float(np.abs(found[0] - exact[0]).max())
            rows.append(row | {"mean_difference": float(means.max())})
    return pd.DataFrame(rows)


def numbers(table: pd.DataFrame) -> dict[str, float]:
    """By how many percent a step of Nash-MTL and of each variant takes longer than one of equal
    weights, and what part of Nash-MTL's that is, in percent, each variant saves; medians over seeds
    of the differences, in percentage points."""
    median = table.groupby("run", sort=False).median(numeric_only=True)
    seconds = median["step_s"]
    extra = seconds["nash"] - seconds["equal"]
    found = {"nash_extra": 100 * extra / seconds["equal"]}
    for run in median.index.difference(["equal", "nash"], sort=False):
        found[f"{run}_extra"] = 100 * (seconds[run] - seconds["equal"]) / seconds["equal"]
        found[f"{run}_saved"] = 100 * (seconds["nash"] - seconds[run]) / extra
        found[f"{run}_first"] = 100 * median.loc[run, "first_difference"]
        found[f"{run}_mean"] = 100 * median.loc[run, "mean_difference"]
    return {key: float(value) for key, value in found.items()}


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """What the variants save, timed on `device`, and how their alpha differs in the histories."""
    rounds = plan.experiments["variants"].options["rounds"]
    table = comparison(plan, folder, seconds_per_step(plan, rounds, device))
    return table, numbers(table)


if __name__ == "__main__":
    run_experiment("nash_mtl", "variants", measure, device="auto")
