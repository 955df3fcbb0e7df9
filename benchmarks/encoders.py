"""Speed and yield of encoders: the street scenes of uncertainty weighting at 64x128, one thread.

`python -m benchmarks.encoders [--steps 150]` times a training step of each encoder, semantics and
depth together, and trains it: validation metrics of one seed, a direction and no result.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.budget import time_of_step
from replications.core.data.batches import read_description
from replications.core.engine.compiler import leave_compiler_out
from replications.core.engine.evaluate import TaskMetrics, evaluate
from replications.core.engine.loop import train
from replications.core.engine.train import Arguments, prepare_job
from replications.core.spec import Plan, load_plan
from replications.core.spec.training import Optimizer, Schedule

_RUN = "semseg_depth"
_TIMED = 12


@dataclass(frozen=True)
class Case:
    """An encoder, from scratch or not; `longer`: how many times the steps it is trained."""

    name: str
    model: dict[str, Any]
    longer: int = 1


_CASES = (
    Case("thin, from scratch", {"encoder": "thin"}),
    Case("thin, from scratch", {"encoder": "thin"}, longer=6),
    Case("MobileNetV2 at stride 16, from scratch", {"encoder": "mobilenet_v2", "stride": 16}),
    *(
        Case(
            f"MobileNetV2 at stride {stride}, pretrained",
            {"encoder": "mobilenet_v2", "stride": stride, "pretrained": True},
        )
        for stride in (16, 8)
    ),
    Case(
        "the same with ASPP and heads of 128 channels, not 48",
        {"encoder": "mobilenet_v2", "pretrained": True, "aspp_channels": 128, "head_channels": 128},
    ),
)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=150)
    steps: int = parser.parse_args().steps
    torch.set_num_threads(1)
    columns = ("encoder", "images/s", "steps", "mIoU, %", "inverse depth, px")
    print(f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", sep="\n")
    for case in _CASES:
        plan = planned(case, steps)
        speed = plan.settings.batch_size / time_of_step(plan, _RUN, _TIMED)
        found = validated(plan)
        cells = [case.name, f"{speed:.0f}", plan.settings.steps]
        cells += [f"{found['semseg']['miou'].value:.1f}"]
        cells += [f"{found['depth']['inverse_depth_l1'].value:.3f}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def planned(case: Case, steps: int) -> Plan:
    """The quick network but for its encoder, in batches of 16 by Adam."""
    plan = load_plan("uncertainty", "cpu")
    changes = {
        "model": plan.settings.model | case.model,
        "steps": steps * case.longer,
        "batch_size": 16,
        "optimizer": Optimizer(name="adam", lr=1e-3),
        "schedule": Schedule(name="cosine"),
        "validations": 1,
    }
    settings = plan.settings.model_copy(update=changes)
    return plan.model_copy(update={"settings": settings, "varied": {}})


def validated(plan: Plan) -> TaskMetrics:
    """Train on a CPU, and measure on the validation split."""
    data = Path(plan.data.folder)
    with tempfile.TemporaryDirectory() as name:
        paths = (data, Path(name), Path(name, "checkpoint.pt"))
        arguments = Arguments(plan.name, plan.study, _RUN, 0, *paths, "cpu", 1)
        description = read_description(data)
        job, training = prepare_job(plan, arguments, description, torch.device("cpu"))
        train(job, training)
        return evaluate(training.learner, job.tasks, job.val, job.seed)


if __name__ == "__main__":
    leave_compiler_out()
    main()
