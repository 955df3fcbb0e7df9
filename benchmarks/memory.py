"""Peak memory of training a run at its study's size, without pretrained weights.

Usage: python -m benchmarks.memory REPLICATION STUDY RUN [data/prepared/streets-128x256]

Where the batch of the study does not fit, half of it is tried, and so on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.opened import opened
from replications.core.engine.cost import peak_memory_mb
from replications.core.engine.loop import train
from replications.core.errors import is_out_of_memory
from replications.core.spec import Plan, load_plan

_STEPS = 3


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("replication", "study", "run"):
        parser.add_argument(name)
    parser.add_argument("data", type=Path, nargs="?", help="prepared dataset; default: the run's")
    own = parser.parse_args()
    plan = load_plan(own.replication, own.study)
    batch = plan.settings_of(own.run).batch_size
    while batch:
        try:
            print(f"{own.run}: {measured(plan, own.run, batch, own.data)}, batch_size {batch}")
            return
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        print(f"{own.run}: batch_size {batch} does not fit", flush=True)
        batch //= 2


def measured(plan: Plan, run: str, batch: int, data: Path | None = None) -> str:
    """Peak memory of a few steps.

    Raises:
        MemoryError, RuntimeError: there is less, see `is_out_of_memory`.
    """
    settings = plan.settings_of(run)
    model = settings.model | {"pretrained": False}
    few = {"model": model, "steps": _STEPS, "validations": 1, "checkpoint_every": _STEPS}
    settings = settings.model_copy(update=few | {"batch_size": batch})
    plan = plan.model_copy(update={"varied": dict(plan.varied) | {run: settings}})
    with opened(plan, run, data=data) as (job, training):
        if job.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        train(job, training)
        return f"{peak_memory_mb(job.device):.0f} MB on {job.device.type}"


if __name__ == "__main__":
    main()
