"""Pictures that are sent and recovered, under the values of a condition: what an experiment of a
system that transmits them looks at."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from replications.core.engine.assembly import build_split
from replications.core.engine.experiment import Measured, run_experiment
from replications.core.inference.trained import load_trained
from replications.core.nets.shared_trunk import seeded
from replications.core.nets.small_pictures import RECOVERY
from replications.core.spec import Plan, written
from replications.core.spec.layout import run_folder


def run_arrivals(replication: str) -> None:
    """The experiment `arrives` of a replication, of the run and the `condition` that it names."""
    run_experiment(replication, "arrives", measure)


@torch.no_grad()
def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """A row for each of some test pictures as it is sent, and as it arrives at each value of the
    condition, the usual one included, by the first seed of the run; and no numbers.

    Columns: `at`, empty for what is sent; `picture`, its number; `height`; `pixels`, 8 bit each,
    row by row, in hexadecimal.
    """
    experiment = plan.experiments["arrives"]
    run, condition = experiment.histories[0], experiment.options["condition"]
    trained = load_trained(run_folder(folder, plan, run, plan.seed_numbers[0]), device)
    split = build_split(plan.data, Path(plan.data.folder), "test", trained.tasks, device)
    shown = min(split.decoding.shown, len(split))
    batch = split.batch(torch.arange(shown) * len(split) // shown)
    usual = getattr(plan.model_of(run), condition)
    found: list[tuple[float | None, Tensor]] = [(None, batch.labels["picture"])]
    for value in sorted({*plan.settings.at[condition], usual}):
        own = {condition: value}
        with seeded(trained.seed, f"arrivals/{written(own)}"):
            found.append((value, trained.learner.predict(batch.inputs, own)[RECOVERY]))
    rows = [
        {"at": at, "picture": k, "height": picture.shape[1], "pixels": _written(picture[0])}
        for at, pictures in found
        for k, picture in enumerate(pictures)
    ]
    return pd.DataFrame(rows), {}


def _written(picture: Tensor) -> str:
    """A grey picture from 0 to 1, (H, W)."""
    return bytes((picture.clamp(0, 1) * 255).round().byte().flatten().tolist()).hex()
