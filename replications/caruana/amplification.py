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
        (W,), the least share at which it does; the first of `at` where it is above the value from
        the start, and the last where it never comes so far: there a shift is at most, or at least,
        what comes of it.
    """
    logs = np.log2(at)
    found = np.full(len(wanted), at[-1], dtype=float)
    for index, value in enumerate(wanted):
        if value < single[0]:
            found[index] = at[0]
            continue
        for left in range(len(at) - 1):
            low, high = single[left], single[left + 1]
            if low <= value <= high and high > low:
                part = (value - low) / (high - low)
                found[index] = 2 ** (logs[left] + part * (logs[left + 1] - logs[left]))
                break
    return found


def shifts(single: Array, joint: Array, at: Array) -> Array:
    """(F,): at each share, the quotient of the one at which the single-task curve does what the
    multi-task run does there; both (F,) and means over seeds."""
    found: Array = shares(single, joint, at) / at
    return found


def amplification(single: Array, joint: Array, at: Array) -> pd.DataFrame:
    """A row per share: both means, the shift, and the 95 % interval of it over seeds, of curves
    (seeds, F); all but the last share, beyond which nothing was measured, and the first, before
    which nothing was."""
    rng = np.random.RandomState(0)
    draws = [rng.randint(len(single), size=len(single)) for _ in range(_DRAWS)]
    drawn = np.stack([shifts(single[d].mean(0), joint[d].mean(0), at) for d in draws])
    means = single.mean(0), joint.mean(0)
    found = shifts(*means, at)
    rows = []
    for index, share in enumerate(at):
        row = {"train_fraction": share, "single": means[0][index], "joint": means[1][index]}
        inside = 0 < index < len(at) - 1
        ends = (
            np.quantile(drawn[:, index], [0.025, 0.975], method="nearest")
            if inside
            else [np.nan] * 2
        )
        shift = found[index] if inside else np.nan
        rows.append(row | {"shift": shift, "low": ends[0], "high": ends[1]})
    return pd.DataFrame(rows)


def numbers(table: pd.DataFrame) -> dict[str, float]:
    """The geometric mean of the shifts, and of either end of their intervals."""
    known = table.dropna()
    names = ("shift", "low", "high") if len(known) else ()
    return {name: float(np.exp(np.log(known[name]).mean())) for name in names}


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
