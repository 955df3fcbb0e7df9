"""What a task that is added later changes for the one that was there: nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import torch

from replications.core.engine import checkpoint
from replications.core.engine.experiment import Measured, run_experiment
from replications.core.spec import Plan
from replications.core.spec.layout import run_folder

BEFORE, AFTER, TASK = "first", "later", "category"


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """A row per seed; the numbers are the largest over seeds."""
    rows = []
    for seed in plan.seed_numbers:
        weights, accuracies = {}, {}
        for run in (BEFORE, AFTER):
            own = run_folder(folder, plan, run, seed)
            weights[run] = checkpoint.read(own / "model.pt", device)
            accuracies[run] = _accuracy(own)
        kept = [name for name in weights[BEFORE] if name.startswith(("encoder.", f"heads.{TASK}."))]
        moved = [n for n in kept if not torch.equal(weights[BEFORE][n], weights[AFTER][n])]
        change = abs(accuracies[AFTER] - accuracies[BEFORE])
        rows.append({"seed": seed, "kept": len(kept), "moved": len(moved), "change": change})
    table = pd.DataFrame(rows)
    return table, {name: float(table[name].max()) for name in ("moved", "change")}


def _accuracy(folder: Path) -> float:
    """Of the task that was there, on the test split, under the usual condition."""
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return float(metrics["test"][TASK]["accuracy"]["value"])


if __name__ == "__main__":
    run_experiment("asynchronous", "later", measure)
