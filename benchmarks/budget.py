"""What a study asks for: trainings, optimiser steps, samples, epochs and hours.

Usage: python -m benchmarks.budget STUDY [--families kcc] [--seconds 0.05 | --measure 10]

A run that several replications compare with is counted by the one that trains it. Hours are those
of all steps, at the seconds given, or at those of a few steps of every run timed on this machine's
device without pretrained weights, so many trainings `--at-once`; start-up and evaluation come on
top. Epochs, and what is measured, need the prepared data.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.opened import opened, synchronised
from replications.core.engine.compiler import leave_compiler_out
from replications.core.engine.loop import update
from replications.core.spec import Plan, Run, load_study

_WARM_UP = 3


@dataclass(frozen=True)
class Budget:
    """What the trainings of a replication ask for together; `hours`: None where not known."""

    name: str
    trainings: int
    steps: int
    samples: int
    epochs: str
    hours: float | None

    def __str__(self) -> str:
        hours = "" if self.hours is None else f"{self.hours:,.1f}"
        counts = f"{self.trainings:,} | {self.steps:,} | {self.samples:,}"
        return f"| {self.name} | {counts} | {self.epochs} | {hours} |"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--families", nargs="+", default="kcc", help="whose replications")
    parser.add_argument("--replications", nargs="+", help="only these")
    parser.add_argument("--seconds", type=float, help="of a step; given, not measured")
    parser.add_argument("--measure", type=int, help="steps of every run to time")
    parser.add_argument("--at-once", type=int, default=1, help="trainings at once, without loss")
    own = parser.parse_args()
    config = {"study": own.study, "families": own.families}
    config["replications"] = own.replications or "all"
    print(
        "| replication | trainings | steps | samples | epochs | hours |", "|---" * 6 + "|", sep="\n"
    )
    budgets = []
    study = load_study(config)
    for plan in (study.plans[name] for family in study.built for name in study.families[family]):
        seconds = measured(plan, own.measure) if own.measure else own.seconds
        budgets.append(budget(plan, None if seconds is None else seconds / own.at_once))
        print(budgets[-1], flush=True)
    print(total(budgets))


def total(budgets: Sequence[Budget]) -> Budget:
    """All of them together."""
    known = [own.hours for own in budgets if own.hours is not None]
    return Budget(
        "all",
        sum(own.trainings for own in budgets),
        sum(own.steps for own in budgets),
        sum(own.samples for own in budgets),
        epochs="",
        hours=sum(known) if known else None,
    )


def trained(plan: Plan) -> dict[str, Run]:
    """The runs that a replication trains itself."""
    return {name: run for name, run in plan.runs.items() if not run.of}


def steps(plan: Plan) -> int:
    """Optimiser steps of all trainings of a replication."""
    return plan.seeds * sum(plan.settings_of(run).steps for run in trained(plan))


def samples(plan: Plan) -> int:
    """Samples that these see; with disjoint labels an update draws a batch for every task."""
    return plan.seeds * sum(
        plan.settings_of(name).steps
        * plan.settings_of(name).batch_size
        * (1 if run.labels == "shared" else len(run.tasks))
        for name, run in trained(plan).items()
    )


def budget(plan: Plan, seconds: float | None) -> Budget:
    """That of a replication; `seconds`: of a step, on average over the steps of all trainings."""
    epochs = f"{plan.epochs:.0f}" if plan.epochs else ""
    hours = None if seconds is None else steps(plan) * seconds / 3600
    trainings = plan.seeds * len(trained(plan))
    return Budget(plan.name, trainings, steps(plan), samples(plan), epochs, hours)


def measured(plan: Plan, count: int) -> float:
    """Seconds of a step, averaged over the steps of all runs; `count` of each are timed."""
    lengths = {run: plan.settings_of(run).steps for run in trained(plan)}
    seconds = sum(time_of_step(plan, run, count) * length for run, length in lengths.items())
    return seconds / sum(lengths.values())


def time_of_step(plan: Plan, run: str, count: int) -> float:
    """Seconds of an update of a run, without the first few."""
    if "pretrained" in plan.settings.model:
        model = plan.settings.model | {"pretrained": False}
        plan = plan.model_copy(
            update={"settings": plan.settings.model_copy(update={"model": model})}
        )
    with opened(plan, run) as (job, training):
        for step in range(_WARM_UP + count):
            if step == _WARM_UP:
                began = _now()
            update(job, training)
            training.done += 1
        return (_now() - began) / count


def _now() -> float:
    synchronised()
    return time.perf_counter()


if __name__ == "__main__":
    leave_compiler_out()
    main()
