"""Where the seconds of a training go: start-up, data, forward, backward, optimiser, evaluation.

Usage: python -m benchmarks.training STUDY [--replications uncertainty ...] [--steps 20]

Of each replication its reference run, on one thread of this machine's device, from prepared data. A
row has milliseconds of a step by part, samples a second, and seconds of what a training does once.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import torch

from benchmarks.opened import opened, synchronised
from replications.core.engine.assembly import build_split
from replications.core.engine.compiler import leave_compiler_out
from replications.core.engine.cost import inference_cost
from replications.core.engine.draws import draws
from replications.core.engine.evaluate import evaluate, evaluate_resampled
from replications.core.engine.loop import Job, Training, update
from replications.core.spec import Plan, load_study

Value = TypeVar("Value")
_WARM_UP = 3
_PARTS = ("data", "forward", "backward", "optimiser")
_ONCE = ("start", "read", "validation", "test", "cost")


class Clock:
    """Adds up seconds by part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, part: str, work: Callable[[], Value]) -> Value:
        """Do some work on the clock."""
        synchronised()
        began = time.perf_counter()
        done = work()
        synchronised()
        self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - began
        return done


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--replications", nargs="+", help="only these")
    parser.add_argument("--steps", type=int, default=20, help="steps to time")
    own = parser.parse_args()
    config = {"study": own.study, "families": "all", "replications": own.replications or "all"}
    leave_compiler_out()
    columns = ["run", *(f"{part}, ms" for part in _PARTS), "samples/s", *(f"{x}, s" for x in _ONCE)]
    print(f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", sep="\n")
    for plan in load_study(config).plans.values():
        print(row(plan, own.steps), flush=True)


def row(plan: Plan, steps: int) -> str:
    """The reference run of a replication."""
    run = plan.replication.reference
    clock = Clock()
    clock("start", lambda: subprocess.run([sys.executable, "-c", _START], check=True))
    with ExitStack() as stack:
        job, training = clock("read", lambda: stack.enter_context(opened(plan, run)))
        for step in range(_WARM_UP + steps):
            if step < _WARM_UP:
                update(job, training)
            else:
                _step(job, training, clock)
            training.done += 1
        learner = training.learner
        data = plan.settings_of(run).data
        test = build_split(data, Path(data.folder), "test", job.tasks, job.device)
        clock("validation", lambda: evaluate(learner, job.tasks, job.val, 0))
        clock("test", lambda: evaluate_resampled(learner, job.tasks, test, 0))
        sample = test.batch(torch.tensor([0])).inputs
        clock("cost", lambda: inference_cost(learner, sample, []))
    by_part = [clock.seconds[part] / steps for part in _PARTS]
    cells = [f"{1000 * seconds:.1f}" for seconds in by_part]
    cells.append(f"{job.settings.batch_size / sum(by_part):.0f}")
    cells += [f"{clock.seconds[part]:.1f}" for part in _ONCE]
    return f"| {plan.name}/{run} | {' | '.join(cells)} |"


_START = "import replications.core.engine.train"


def _step(job: Job, training: Training, clock: Clock) -> None:
    """A step of `loop.update`, part by part; of runs without penalties, on shared labels."""
    phase = training.stretch.phase
    (draw,) = draws(job.run, job.settings, phase, len(job.train), job.seed, training.done)
    batch = clock(
        "data",
        lambda: job.train.decoding.augmented(
            job.train.batch(draw.indices), job.seed, training.done
        ),
    )
    tasks = {name: (job.tasks | job.auxiliary)[name] for name in (*draw.tasks, *job.auxiliary)}
    moment = training.moment(training.done)
    losses = clock("forward", lambda: training.learner.losses(batch, tasks, moment))
    training.learner.zero_grad(set_to_none=True)
    clock(
        "backward",
        lambda: training.weighting.backward(
            losses.by_task, losses.representation, training.learner
        ),
    )
    clock("optimiser", training.optimizer.step)


if __name__ == "__main__":
    main()
