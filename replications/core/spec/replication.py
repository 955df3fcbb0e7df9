"""The content of a `replication.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from replications.core.spec.claims import ALL_TASKS, DELTA_METRICS, Claim
from replications.core.spec.training import Positive, Run
from replications.core.tasks.options import TASK_METRICS, Strict

DatasetName = Literal["streets", "camvid", "qm9"]
MOLECULES = ("qm9",)
"""The datasets that hold molecules rather than pictures."""


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
    """Another study, whose runs, settings and dataset it takes as far as it has none of its own."""
    runs: list[str] | None = None
    tasks: list[str] | None = None
    """The only tasks; a run with others goes without them, and one with none of these is left out.
    """
    settings: dict[str, Any] = {}
    experiments: dict[str, dict[str, Any]] = {}
    """What differs in the options of the experiments."""
    dataset: DatasetName | None = None
    """Another dataset than the replication's."""


class Replication(Strict):
    """The content of a `replication.yaml`."""

    title: str
    korean: str
    """The title in the paper's sentences."""
    paper: str
    part_of: str | None = None
    """The replication of the same paper that this one belongs to, and is built with."""
    order: int
    dataset: DatasetName
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
    figures: list[str] = []
    """Figures of its own: functions of that name in its `figures.py`."""
    claims: dict[str, Claim] = {}

    @model_validator(mode="after")
    def _names_exist(self) -> Replication:
        if not isinstance(self.settings.get("tasks"), Mapping):
            raise ValueError("settings.tasks must map each task to its options")
        for study_name, study in self.studies.items():
            for run_name in study.runs or []:
                self._known_run(run_name, f"studies.{study_name}.runs")
            for task in study.tasks or []:
                self._known_task(task, f"studies.{study_name}.tasks")
            for experiment in study.experiments:
                self._known_experiment(experiment, f"studies.{study_name}.experiments")
            if study.like is not None and (
                study.like not in self.studies or self.studies[study.like].like
            ):
                raise ValueError(
                    f"studies.{study_name}.like: '{study.like}' is no study that stands on its own"
                )
        for name, run in self.runs.items():
            for task in run.trained:
                self._known_task(task, f"runs.{name}.tasks")
        for number, claim in self.claims.items():
            for run_name in claim.runs:
                self._known_run(run_name, f"claims.{number}")
            for bound in claim.measured:
                self._known_experiment(bound.experiment, f"claims.{number}.measured")
            for c in claim.better:
                for metric in filter(None, (c.metric, c.beyond)):
                    _known_metric(c.task, metric, f"claims.{number}.better")
        for name, spec in self.experiments.items():
            for run_name in spec.histories:
                self._known_run(run_name, f"experiments.{name}.histories")
        self._known_run(self.reference, "reference")
        for run_name in self.table:
            self._known_run(run_name, "table")
        for task, metric in self.headline.items():
            _known_metric(task, metric, "headline")
        for task, metrics in self.averaged.items():
            for metric in metrics:
                _known_metric(task, metric, "averaged")
        for column in self.columns:
            task, _, metric = column.partition(".")
            _known_metric(task, metric, "columns")
        return self

    def _known_run(self, run: str, where: str) -> None:
        if run not in self.runs:
            raise ValueError(f"{where}: unknown run '{run}'; known: {', '.join(self.runs)}")

    def _known_task(self, task: str, where: str) -> None:
        if task not in self.settings["tasks"]:
            known = ", ".join(self.settings["tasks"])
            raise ValueError(f"{where}: unknown task '{task}'; settings.tasks has: {known}")

    def _known_experiment(self, name: str, where: str) -> None:
        if name not in self.experiments:
            known = ", ".join(self.experiments) or "none"
            raise ValueError(f"{where}: unknown experiment '{name}'; known: {known}")


def _known_metric(task: str, metric: str, where: str) -> None:
    metrics_of = TASK_METRICS | {ALL_TASKS: tuple(DELTA_METRICS.values())}
    if metric not in metrics_of.get(task, ()):
        known = [f"{t}.{m}" for t, metrics in metrics_of.items() for m in metrics]
        raise ValueError(f"{where}: unknown metric '{task}.{metric}'; known: {', '.join(known)}")
