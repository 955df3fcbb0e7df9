"""A run at the start of its training, on the prepared data, for whoever times it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from replications.core.data.batches import read_description
from replications.core.engine.devices import training_device
from replications.core.engine.loop import Job, Training
from replications.core.engine.train import Arguments, prepare_job
from replications.core.spec import Plan


@contextmanager
def opened(
    plan: Plan, run: str, device: str = "auto", data: Path | None = None
) -> Iterator[tuple[Job, Training]]:
    """The job of seed 0 on one thread, and its initial state; it leaves no files. `data`: the
    prepared dataset; none given: that of the run."""
    with training_device(device, 1) as chosen, tempfile.TemporaryDirectory() as name:
        folder, data = Path(name), data or Path(plan.settings_of(run).data.folder)
        identity = (plan.name, plan.study, run, 0)
        paths = (data, folder, folder / "checkpoint.pt")
        arguments = Arguments(*identity, *paths, chosen.type, 1)
        yield prepare_job(plan, arguments, read_description(data), chosen)


def synchronised() -> None:
    """Wait until a CUDA device has done what it was told, if one is in use."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
