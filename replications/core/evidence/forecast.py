"""What there is to ask for, and what each study will take: trainings, steps, time and disk.

Times come from trainings of the same network on the same data, whatever their length: those made in
this folder, else the published ones. Where there are none the time is not known.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd

from replications.core.errors import StudyError
from replications.core.evidence.tidy import COSTS_KEY, read_table
from replications.core.spec import Plan, base_of, load_plan, load_replication, origin
from replications.core.spec.layout import ORIGIN

_BESIDE = {"steps", "schedule", "validations", "checkpoint_every", "optimizer", "train_fraction"}
"""Settings that leave the time of a step as it is."""
_STARTING = 2.5
"""Seconds of a training beside its steps: starting and evaluating."""
_FOLDER = 2**20
"""Bytes of a run folder beside its weights: predictions, histories, metrics."""
_TARGETS = """
To build, type snakemake --cores all TARGET, with --config study=STUDY for another study:

  (nothing)        trainings, tables, figures, papers and page of the study
  REPLICATION      the same of one replication, without papers
  FAMILY           the same of one family: its replications and its paper
  paper, supplement, final
                   the paper of the study, with every run, with its authors
  draft            the paper of the published results; trains nothing
  page, site       the results to look at in a browser, of the study, of what is published
  publish, restore put results where they are committed; go on from there
  tune             learning rates, with --config study=tuning
  -n               say what would be done, and why; with any of the above
"""


@dataclass(frozen=True)
class Forecast:
    """What a study takes; `seconds`: of one training after the other; None where not known."""

    study: str
    trainings: int
    steps: int
    seconds: float | None
    megabytes: float | None

    def line(self, at_once: int) -> str:
        """A row of the table."""
        time = "?" if self.seconds is None else _rounded(self.seconds / at_once)
        disk = "?" if self.megabytes is None else f"{self.megabytes:,.0f} MB"
        return f"  {self.study:<14}{self.trainings:>10,}{self.steps:>14,}{time:>12}{disk:>12}"


@dataclass(frozen=True)
class Measured:
    """What a step and the weights of a run took: seconds, and the number of parameters."""

    seconds: float
    parameters: float


def show(study: str, families: Sequence[str], names: Iterable[str], results: Path) -> None:
    """Print the targets, and what every study of some families takes; `names`: of all
    replications, `results`: where studies lie."""
    at_once = _at_once()
    lines = [_TARGETS]
    known = {name: load_replication(name) for name in names}
    for family in families:
        own = [name for name, replication in known.items() if replication.family == family]
        lines += [f"Family {family}: {', '.join(own)}", ""]
        lines.append(f"  {'study':<14}{'trainings':>10}{'steps':>14}{'about':>12}{'disk':>12}")
        for name in dict.fromkeys(name for one in own for name in known[one].studies):
            plans = [load_plan(one, name) for one in own if name in known[one].studies]
            mark = "   <- unless another is asked for" if name == study else ""
            lines.append(forecast(name, plans, results).line(at_once) + mark)
        lines += ["", f"Times: {at_once} trainings at once on this machine, and nothing else."]
    print("\n".join(lines))


def _at_once() -> int:
    """How many trainings run side by side: one on a GPU, else one on each core."""
    if origin.device_of("auto") == "cuda":
        return 1
    known = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1


def forecast(study: str, plans: Sequence[Plan], results: Path) -> Forecast:
    """What the trainings of some replications in a study take together."""
    trainings = steps = 0
    seconds: float | None = 0.0
    megabytes: float | None = 0.0
    for plan in plans:
        measured = dict(_measured(plan, results))
        for run, spec in plan.runs.items():
            if spec.of:
                continue
            length = plan.settings_of(run).steps
            trainings += plan.seeds
            steps += plan.seeds * length
            found = measured.get(run)
            if found is None or seconds is None or megabytes is None:
                seconds = megabytes = None
                continue
            seconds += plan.seeds * (length * found.seconds + _STARTING)
            megabytes += plan.seeds * (4 * found.parameters + _FOLDER) / 2**20
    return Forecast(study, trainings, steps, seconds, megabytes)


def _measured(plan: Plan, results: Path) -> Iterator[tuple[str, Measured]]:
    """What is known of the runs of a plan, by results of any study on the same device."""
    tables = list(_tables(plan.name, results))
    device = origin.device_of("auto")
    for run in plan.runs:
        for other, costs in tables:
            own = costs[[base_of(name) == base_of(run) for name in costs["run"]]]
            own = own[own["device"] == device]
            alike = [
                name
                for name in own["run"].unique()
                if name in other.runs and _alike(plan, run, other, name)
            ]
            if alike:
                lengths = {name: other.settings_of(name).steps for name in alike}
                of_step = own[own["run"].isin(alike)]
                seconds = (of_step["own_s"] / of_step["run"].map(lengths)).median()
                yield run, Measured(float(seconds), float(of_step["parameters"].median()))
                break


def _places(name: str, results: Path) -> list[Path]:
    """Folders with the tables of a replication, those of this machine first."""
    found = [path.parent for path in sorted(results.glob(f"*/{name}/costs.csv"))]
    return sorted(found, key=lambda place: place.parent.name == "published")


def _tables(name: str, results: Path) -> Iterator[tuple[Plan, pd.DataFrame]]:
    for place in _places(name, results):
        with contextlib.suppress(StudyError, KeyError):  # of results that tell nothing any more
            yield _costs(place)


@functools.cache
def _costs(place: Path) -> tuple[Plan, pd.DataFrame]:
    """The plan of some results and their costs, and in `own_s` the seconds of each training without
    those of the runs that it needs.

    Raises:
        StudyError: the specification no longer has what they are of.
    """
    plan = load_plan(place.name, origin.read(place / ORIGIN).get("study", ""))
    costs = read_table(place / "costs.csv", COSTS_KEY, plan)
    total = costs.set_index(["run", "seed"])["training_s"]

    @functools.cache
    def own(run: str, seed: int) -> float:
        behind = plan.behind(run) if run in plan.runs else []
        return float(total[run, seed]) - sum(own(other, seed) for other in behind)

    costs["own_s"] = [own(run, seed) for run, seed in total.index]
    return plan, costs


def _alike(plan: Plan, run: str, other: Plan, name: str) -> bool:
    """Whether a step of a run in one plan is that of a run in another."""
    settings = [
        (own.settings_of(which).model_dump(exclude=_BESIDE), own.model_of(which).model_dump())
        for own, which in ((plan, run), (other, name))
    ]
    return settings[0] == settings[1]


def _rounded(seconds: float) -> str:
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min"
    hours = timedelta(seconds=seconds) / timedelta(hours=1)
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"
