"""How many times the people single-task learning needs to do what multi-task learning does.

Extra tasks act like more data (Caruana, 1997, "data amplification"): the curve of the main task
against the number of people is shifted. At each share of the people that multi-task learning was
given, the share at which the single-task curve, drawn straight between its measured points over
the logarithm, reaches the same value; the quotient is the shift. Intervals come from seeds drawn
with replacement (2,000 times), the same for both runs.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from replications.core.data.labels import Array
from replications.core.engine.experiment import Measured, run_experiment
from replications.core.spec import Plan
from replications.core.spec.layout import run_folder

_DRAWS = 2000


def shares(single: Array, wanted: Array, at: Array) -> Array:
    """Where a curve reaches values.

    Arguments:
        single: (F,), its values at the shares `at`, (F,), which rise.
        wanted: (W,).

    Returns:
        (W,), the least share at which it does; 0 where it is above the value from the start, and
        infinite where it never comes so far.
    """
    logs = np.log2(at)
    found = np.full(len(wanted), np.inf)
    for index, value in enumerate(wanted):
        if value < single[0]:
            found[index] = 0
            continue
        for left in range(len(at) - 1):
            low, high = single[left], single[left + 1]
            if low <= value <= high and high > low:
                part = (value - low) / (high - low)
                found[index] = 2 ** (logs[left] + part * (logs[left + 1] - logs[left]))
                break
    return found


def amplification(single: Array, joint: Array, at: Array) -> pd.DataFrame:
    """A row per share: both means, the shift, and the 95 % interval of it over seeds, of curves
    (seeds, F); all but the last share, beyond which nothing was measured, and the first, before
    which nothing was. A shift beyond the shares measured counts as the last of them, and its
    interval is open on that side: 0, or infinite."""
    rng = np.random.RandomState(0)
    drawn = [rng.randint(len(single), size=len(single)) for _ in range(_DRAWS)]
    found = np.stack([shares(single[d].mean(0), joint[d].mean(0), at) for d in drawn])
    least, most = found.clip(max=at[-1]) / at, found.clip(min=at[0]) / at
    table = pd.DataFrame({"train_fraction": at, "single": single.mean(0), "joint": joint.mean(0)})
    table["shift"] = shares(single.mean(0), joint.mean(0), at).clip(at[0], at[-1]) / at
    table["low"] = np.quantile(least, 0.025, axis=0, method="nearest")
    table["high"] = np.quantile(most, 0.975, axis=0, method="nearest")
    table.loc[[0, len(at) - 1], ["shift", "low", "high"]] = np.nan
    return table


def numbers(table: pd.DataFrame) -> dict[str, float]:
    """The geometric mean of the shifts, and of either end of their intervals where it is known."""
    known = table.dropna()
    if not len(known):
        return {}
    with np.errstate(divide="ignore"):  # the mean of 0 and others is 0
        means = np.exp(np.log(known[["shift", "low", "high"]]).mean())
    return {name: float(value) for name, value in means.items() if np.isfinite(value)}


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """Of the main task, along the share of people."""
    options = plan.experiments["amplification"].options
    task, metric = options["task"], options["metric"]
    curves = {}
    for name in ("single", "joint"):
        places = {
            spec.axis.get("train_fraction", 1.0): run
            for run, spec in plan.runs.items()
            if run.partition("@")[0] == options[name] and set(spec.axis) <= {"train_fraction"}
        }
        curves[name] = {
            share: [
                _value(plan, folder, places[share], seed, task, metric)
                for seed in plan.seed_numbers
            ]
            for share in sorted(places)
        }
    at = np.array(sorted(set(curves["single"]) & set(curves["joint"])))
    single, joint = (np.array([curves[n][share] for share in at]).T for n in curves)
    table = amplification(single, joint, at)
    return table, numbers(table)


def _value(plan: Plan, folder: Path, run: str, seed: int, task: str, metric: str) -> float:
    path = run_folder(folder, plan, run, seed) / "metrics.json"
    found: float = json.loads(path.read_text(encoding="utf-8"))["test"][task][metric]["value"]
    return found


if __name__ == "__main__":
    run_experiment("caruana", "amplification", measure)
