"""The content of a `replication.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from replications.core.errors import meant
from replications.core.spec.axes import base_of
from replications.core.spec.claims import ALL_TASKS, DELTA_METRICS, Better, Claim
from replications.core.spec.options import Positive, Strict, TaskOptions, declared
from replications.core.spec.reading import brief
from replications.core.spec.training import Run

_KEPT = ("published", "draft", "site", "logs")
"""Folders of `results/` that are no study's."""


def _plain(name: str) -> str:
    if not re.fullmatch("[a-z0-9_]+", name):
        raise ValueError(f"'{name}' is no name: small letters, digits and _")
    return name


def _not_kept(name: str) -> str:
    if name in _KEPT:
        raise ValueError(f"no study can be called '{name}': results/{name} is something else")
    return name


Name = Annotated[str, AfterValidator(_plain)]
"""Of what has a folder or a file of results."""
StudyName = Annotated[Name, AfterValidator(_not_kept)]
Number = Annotated[str, Field(pattern=r"^[0-9A-Za-z]+$")]
"""Of a claim."""


class Experiment(Strict):
    """Something measured beside the runs: `python -m replications.<replication>.<experiment>`."""

    histories: list[str] = []
    """The runs that it is about, or whose histories it reads; it is made anew when they are."""
    options: dict[str, Any] = {}
    """Its settings; a study lays its own over them."""
    alone: bool = False
    """It measures time, so nothing else runs beside it."""


class Along(Strict):
    """An axis along which the reference run is laid out by itself."""

    values: Annotated[list[int | float], Field(min_length=1)]
    steps: list[Positive] = []
    """The budgets at which it is, of the ladder's; none given: that of the settings."""


TuningStudy = Annotated[str, Field(pattern=r"^tuning_[a-z0-9_]+$")]


class Study(Strict):
    """One size of the replication: which runs, how many seeds, what differs from the base."""

    seeds: Positive
    tuned: bool | TuningStudy = False
    """Every run has the learning rate that `tuning.csv`, beside the `replication.yaml`, says was
    chosen for it; with the name of another study of that kind, such as `tuning_camvid`, the file is
    called that."""
    first_seed: Annotated[int, Field(ge=0)] = 0
    """A study by which something is chosen has seeds that no other reports."""
    like: str | None = None
    """Another study, whose runs and settings it takes as far as it has none of its own."""
    runs: list[str] | None = None
    tasks: list[str] | None = None
    """The only tasks; a run with others goes without them, and one with none of these is left out.
    """
    settings: dict[str, Any] = {}
    over: dict[str, list[int | float]] = {}
    """Axes along which every run is laid out, see `Run.over`."""
    ladder: list[Positive] = []
    """Smaller budgets, in steps and rising order, at which the runs that tested claims compare are
    trained too: a verdict needs to be the same at the last two (`evidence/ladder.py`)."""
    each: dict[str, Along] = {}
    """Axes along which the reference run is laid out one at a time, such as `train_fraction`."""
    experiments: dict[str, dict[str, Any]] = {}
    """What differs in the options of the experiments."""


class Replication(Strict):
    """The content of a `replication.yaml`."""

    title: str
    korean: str
    """The title in the paper's sentences."""
    paper: str
    family: Name = "kcc"
    """The paper of ours that it is part of."""
    domain: str = "거리 영상"
    """What its data are, in Korean: domains are compared with each other."""
    part_of: str | None = None
    """The replication of the same paper that this one belongs to, and is built with."""
    like: str | None = None
    """The replication whose tasks, data, settings and sizes of studies it has as far as it says
    nothing else, and whose runs it may list and compare with as its own; they are trained once."""
    again: str | None = None
    """The replication whose claims of the same numbers it asks of other data."""
    order: int
    headline: dict[str, str]
    """The primary metric of each task."""
    averaged: dict[str, list[str]] = {}
    """The metrics of a task that delta_m averages; of a task that is not named, all of them."""
    columns: list[str]
    """What the results table shows, as `task.metric`."""
    table: list[str] = []
    """The runs that the paper's table shows, of those in the study; all where none are named. The
    supplement has every run."""
    reference: str
    """The multi-task run whose delta_m the abstract quotes."""
    settings: dict[str, Any]
    runs: dict[Name, Run]
    studies: dict[StudyName, Study]
    experiments: dict[Name, Experiment] = {}
    figures: dict[Name, str] = {}
    """Figures of its own, functions of that name in its `figures.py`, and their captions."""
    claims: dict[Number, Claim] = {}

    @field_validator("settings")
    @classmethod
    def _has_tasks(cls, settings: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(settings.get("tasks"), Mapping):
            raise ValueError("settings.tasks must map each task to its options")
        return settings

    @model_validator(mode="after")
    def _names_exist(self) -> Replication:
        known = self._known()
        for where, what, names in self._named():
            for name in names:
                if name not in known[what]:
                    there = ", ".join(known[what]) or "none"
                    near = meant(name, known[what])
                    raise ValueError(f"{where}: unknown {what} {brief(name)}; known: {there}{near}")
        for name, study in self.studies.items():
            if study.like and (study.like not in self.studies or self.studies[study.like].like):
                raise ValueError(
                    f"studies.{name}.like: '{study.like}' is no study that stands on its own"
                )
        for name, run in self.runs.items():
            if run.axis:
                raise ValueError(f"runs.{name}.axis is not to be set by hand; use over")
            if run.of not in (None, self.like):
                raise ValueError(f"runs.{name}.of is not to be set by hand; use like")
        return self

    def tasks_of(self, statement: Better) -> list[str]:
        """The tasks that a statement of a claim is about."""
        if statement.task is not None:
            return [statement.task]
        return list(self.headline) if statement.tasks == "all" else list(statement.tasks)

    def _known(self) -> dict[str, Iterable[str]]:
        """What there is, by what it is; metrics as `task.metric`."""
        measured = {name: options.metrics for name, options in declared(TaskOptions).items()}
        measured[ALL_TASKS] = tuple(DELTA_METRICS.values())
        over: list[Mapping[str, object]] = [run.over for run in self.runs.values()]
        over += [{**study.over, **study.each} for study in self.studies.values()]
        at = [self.settings, *(study.settings for study in self.studies.values())]
        return {
            "run": self.runs,
            "task": self.settings["tasks"],
            "experiment": self.experiments,
            "axis": dict.fromkeys(axis for own in over for axis in own),
            "condition": dict.fromkeys(name for own in at for name in own.get("at", {})),
            "metric": [f"{task}.{metric}" for task, own in measured.items() for metric in own],
        }

    def _named(self) -> Iterator[tuple[str, str, Iterable[str]]]:
        """What the specification names: where, what it should be, and the names."""
        yield "reference", "run", [self.reference]
        yield "table", "run", self.table
        yield "headline", "metric", [f"{task}.{metric}" for task, metric in self.headline.items()]
        for task, metrics in self.averaged.items():
            yield "averaged", "metric", [f"{task}.{metric}" for metric in metrics]
        yield "columns", "metric", self.columns
        for name, run in self.runs.items():
            yield f"runs.{name}.tasks", "task", run.trained
            yield f"runs.{name}.needs", "run", run.needs.values()
            yield f"runs.{name}.rate_of", "run", [run.rate_of] if run.rate_of else []
            yield f"runs.{name}.matched", "run", list(run.matched.values())
        for name, study in self.studies.items():
            yield f"studies.{name}.runs", "run", study.runs or []
            yield f"studies.{name}.tasks", "task", study.tasks or []
            yield f"studies.{name}.experiments", "experiment", study.experiments
        for name, spec in self.experiments.items():
            yield f"experiments.{name}.histories", "run", map(base_of, spec.histories)
        for number, claim in self.claims.items():
            yield f"claims.{number}", "run", claim.runs
            yield f"claims.{number}.measured", "experiment", [b.experiment for b in claim.measured]
            for statement in claim.statements:
                yield from self._named_in(statement, f"claims.{number}")

    def _named_in(self, statement: Better, where: str) -> Iterator[tuple[str, str, Iterable[str]]]:
        tasks = self.tasks_of(statement)
        for run in statement.runs if statement.tasks != "all" else []:
            own = self.runs[run].tasks
            if unknown := {*tasks} & {*self.settings["tasks"]} - {*own}:
                raise ValueError(f"{where}: run '{run}' does not have task '{min(unknown)}'")
        yield where, "task", [task for task in tasks if task != ALL_TASKS]
        for metric in filter(None, (statement.metric, statement.beyond)):
            yield where, "metric", [f"{task}.{metric}" for task in tasks]
        yield where, "axis", statement.axes
        yield where, "condition", statement.at if isinstance(statement.at, dict) else []
