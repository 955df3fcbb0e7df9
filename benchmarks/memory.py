"""Peak memory of training a run at its study's size and batch, without pretrained weights.

Usage: python -m benchmarks.memory REPLICATION STUDY RUN data/prepared/streets-128x256
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.opened import opened
from replications.core.engine.cost import peak_memory_mb
from replications.core.engine.loop import train
from replications.core.spec import load_plan

_STEPS = 3


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("replication", "study", "run"):
        parser.add_argument(name)
    parser.add_argument("data", type=Path, help="folder of the prepared dataset")
    own = parser.parse_args()
    plan = load_plan(own.replication, own.study)
    model = plan.settings.model | {"pretrained": False}
    short = {"model": model, "steps": _STEPS, "validations": 1, "checkpoint_every": _STEPS}
    plan = plan.model_copy(update={"settings": plan.settings.model_copy(update=short)})
    with opened(plan, own.run, data=own.data) as (job, training):
        train(job, training)
        print(f"{own.run}: {peak_memory_mb(job.device):.0f} MB on {job.device.type}")


if __name__ == "__main__":
    main()
