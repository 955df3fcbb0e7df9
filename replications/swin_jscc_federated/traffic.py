"""What federated learning sends, against sending the pictures to one place."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from replications.core.data.batches import read_description
from replications.core.engine.assembly import new_learner
from replications.core.engine.experiment import Measured, run_experiment
from replications.core.spec import Plan

_BYTES = 4
"""Of a parameter."""


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """A row per run, in bytes: every client receives the parameters and sends its own in every
    round; a picture has a byte for each pixel."""
    facts = plan.data.facts
    pictures = (plan.data.training_samples or 0) * facts["height"] * facts["width"]
    dataset = read_description(Path(plan.data.folder))
    rows = []
    for run in ("federated", "federated_convolutions"):
        learner = new_learner(plan, run, dataset, plan.seed_numbers[0], device)
        count = sum(parameter.numel() for parameter in learner.parameters())
        spec = plan.runs[run]
        sent = 2 * _BYTES * count * len(spec.phases) * spec.rounds
        rows.append({"run": run, "parameters": count, "bytes": sent, "share": sent / pictures})
    table = pd.DataFrame(rows)
    return table, {"pictures": float(pictures)} | {
        row["run"]: float(row["share"]) for row in table.to_dict("records")
    }


if __name__ == "__main__":
    run_experiment("swin_jscc_federated", "traffic", measure)
