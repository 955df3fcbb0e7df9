"""The content of a `replication.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import field_validator, model_validator

from replications.core.spec.claims import ALL_TASKS, DELTA_METRICS, Better, Claim
from replications.core.spec.options import Positive, Strict, TaskOptions, declared
from replications.core.spec.training import Run


class Experiment(Strict):
    """Something measured beside the runs: `python -m replications.<replication>.<experiment>`."""

    histories: list[str] = []
    """The runs whose histories it reads; it is made anew when they are."""
    options: dict[str, Any] = {}
    """Its settings; a study lays its own over them."""
    alone: bool = False
    """It measures time, so nothing else runs beside it."""


class Study(Strict):
    """One size of the replication: which runs, how many seeds, what differs from the base."""

    seeds: Positive
    like: str | None = None
    """Another study, whose runs and settings it takes as far as it has none of its own."""
    runs: list[str] | None = None
    tasks: list[str] | None = None
    """The only tasks; a run with others goes without them, and one with none of these is left out.
    """
    settings: dict[str, Any] = {}
    over: dict[str, list[int | float]] = {}
    """Axes along which every run is laid out, see `Run.over`."""
    experiments: dict[str, dict[str, Any]] = {}
    """What differs in the options of the experiments."""


class Replication(Strict):
    """The content of a `replication.yaml`."""

    title: str
    korean: str
    """The title in the paper's sentences."""
    paper: str
    family: str = "kcc"
    """The paper of ours that it is part of."""
    part_of: str | None = None
    """The replication of the same paper that this one belongs to, and is built with."""
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
    runs: dict[str, Run]
    studies: dict[str, Study]
    experiments: dict[str, Experiment] = {}
    figures: dict[str, str] = {}
    """Figures of its own, functions of that name in its `figures.py`, and their captions."""
    claims: dict[str, Claim] = {}

    @field_validator("settings")
    @classmethod
    def _has_tasks(cls, settings: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(settings.get("tasks"), Mapping):
            raise ValueError("settings.tasks must map each task to its options")
        return settings

    @model_validator(mode="after")
    def _names_exist(self) -> Replication:
        for where, run in self._named_runs():
            _known(run, self.runs, "run", where)
        for where, task in self._named_tasks():
            _known(task, self.settings["tasks"], "task", where)
        for where, experiment in self._named_experiments():
            _known(experiment, self.experiments, "experiment", where)
        over = [self.runs[run].over for run in self.runs]
        over += [study.over for study in self.studies.values()]
        axes = dict.fromkeys(axis for own in over for axis in own)
        for where, axis in self._named_axes():
            _known(axis, axes, "axis", where)
        at = [self.settings, *(study.settings for study in self.studies.values())]
        conditions = dict.fromkeys(name for own in at for name in own.get("at", {}))
        for where, condition in self._named_conditions():
            _known(condition, conditions, "condition", where)
        if by_hand := [name for name, run in self.runs.items() if run.axis]:
            raise ValueError(f"runs.{by_hand[0]}.axis is not to be set by hand; use over")
        for where, task, metric in self._named_metrics():
            _known_metric(task, metric, where)
        for name, study in self.studies.items():
            if study.like and (study.like not in self.studies or self.studies[study.like].like):
                raise ValueError(
                    f"studies.{name}.like: '{study.like}' is no study that stands on its own"
                )
        return self

    def tasks_of(self, statement: Better) -> list[str]:
        """The tasks that a statement of a claim is about."""
        if statement.task is not None:
            return [statement.task]
        return list(self.headline) if statement.tasks == "all" else list(statement.tasks)

    def _named_axes(self) -> Iterator[tuple[str, str]]:
        for number, claim in self.claims.items():
            for statement in claim.statements:
                named = [statement.slope, getattr(statement, "axis", None)]
                named += list(statement.over) if isinstance(statement.over, dict) else []
                yield from ((f"claims.{number}", axis) for axis in named if axis)

    def _named_conditions(self) -> Iterator[tuple[str, str]]:
        for number, claim in self.claims.items():
            for statement in claim.statements:
                named = statement.at if isinstance(statement.at, dict) else {}
                yield from ((f"claims.{number}", condition) for condition in named)

    def _named_runs(self) -> Iterator[tuple[str, str]]:
        """Where runs are named, and which."""
        yield "reference", self.reference
        yield from (("table", run) for run in self.table)
        for name, study in self.studies.items():
            yield from ((f"studies.{name}.runs", run) for run in study.runs or [])
        for number, claim in self.claims.items():
            yield from ((f"claims.{number}", run) for run in claim.runs)
        for name, spec in self.experiments.items():
            yield from ((f"experiments.{name}.histories", run) for run in spec.histories)
        for name, run in self.runs.items():
            yield from ((f"runs.{name}.needs", needed) for needed in run.needs.values())

    def _named_tasks(self) -> Iterator[tuple[str, str]]:
        for name, run in self.runs.items():
            yield from ((f"runs.{name}.tasks", task) for task in run.trained)
        for name, study in self.studies.items():
            yield from ((f"studies.{name}.tasks", task) for task in study.tasks or [])
        for number, claim in self.claims.items():
            for statement in claim.statements:
                named = [task for task in self.tasks_of(statement) if task != ALL_TASKS]
                yield from ((f"claims.{number}", task) for task in named)

    def _named_experiments(self) -> Iterator[tuple[str, str]]:
        for name, study in self.studies.items():
            yield from ((f"studies.{name}.experiments", own) for own in study.experiments)
        for number, claim in self.claims.items():
            yield from ((f"claims.{number}.measured", bound.experiment) for bound in claim.measured)

    def _named_metrics(self) -> Iterator[tuple[str, str, str]]:
        yield from (("headline", task, metric) for task, metric in self.headline.items())
        for task, metrics in self.averaged.items():
            yield from (("averaged", task, metric) for metric in metrics)
        for column in self.columns:
            task, _, metric = column.partition(".")
            yield "columns", task, metric
        for number, claim in self.claims.items():
            for statement in claim.statements:
                for task in self.tasks_of(statement):
                    for metric in filter(None, (statement.metric, statement.beyond)):
                        yield f"claims.{number}", task, metric


def _known(name: str, among: Mapping[str, Any], what: str, where: str) -> None:
    if name not in among:
        known = ", ".join(among) or "none"
        raise ValueError(f"{where}: unknown {what} '{name}'; known: {known}")


def _known_metric(task: str, metric: str, where: str) -> None:
    measured = {name: options.metrics for name, options in declared(TaskOptions).items()}
    measured[ALL_TASKS] = tuple(DELTA_METRICS.values())
    if metric not in measured.get(task, ()):
        known = [f"{t}.{m}" for t, metrics in measured.items() for m in metrics]
        raise ValueError(f"{where}: unknown metric '{task}.{metric}'; known: {', '.join(known)}")
