"""How many symbols the gate lets through where the channel is bad, and where it is good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from replications.core.engine.experiment import Measured, run_experiment
from replications.core.evidence.statistics import interval
from replications.core.spec import Plan
from replications.core.spec.layout import run_folder


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """A row per seed and ratio; the numbers are means over seeds, and the ends of the 95 % interval
    over seeds of how many fewer there are, where there are several seeds."""
    options = plan.experiments["gates"].options
    rows = []
    for seed in plan.seed_numbers:
        path = run_folder(folder, plan, "gated", seed) / "examples.npz"
        with np.load(path) as arrays:
            counts = arrays["learned_sent"].round().sum(axis=1)
        ratios = np.arange(len(counts)) / 2
        rows += [
            {"seed": seed, "snr_db": ratio, "symbols": count}
            for ratio, count in zip(ratios, counts, strict=True)
        ]
    table = pd.DataFrame(rows)
    by_ratio = table.pivot(index="seed", columns="snr_db", values="symbols")
    low, high = by_ratio[options["low"]], by_ratio[options["high"]]
    ends = zip(("fewer_low", "fewer_high"), interval((low - high).to_numpy()), strict=True)
    found = {"low": low.mean(), "high": high.mean(), **dict(ends)}
    return table, {name: float(value) for name, value in found.items() if np.isfinite(value)}


if __name__ == "__main__":
    run_experiment("jscc_recovery_classification", "gates", measure)
