"""A plan: a replication inside a study, with all that is trained."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from replications.core.spec import comparing, matching
from replications.core.spec.axes import Axis, base_of, written
from replications.core.spec.claims import Claim, Comparison
from replications.core.spec.likeness import overlaid
from replications.core.spec.options import DatasetOptions, ModelOptions, Strict
from replications.core.spec.reading import path_of
from replications.core.spec.replication import Experiment, Replication
from replications.core.spec.training import Run, Settings, value_at
from replications.core.spec.tuning import tuning_study


class Plan(Strict):
    """A replication inside a study: what will be trained, with what."""

    name: str
    study: str
    replication: Replication
    settings: Settings
    seeds: int
    first_seed: int = 0
    tuned: bool | str = False
    """Whether the learning rates were chosen; by another study than `tuning`, its name."""
    ladder: list[int] = []
    """The budgets, in steps, at which tested claims are decided; the last is that of the settings.
    Empty where there is one."""
    runs: dict[str, Run]
    """Every run, those laid out along axes as runs of their own; see `axes`."""
    lender: Plan | None = None
    """The plan of the replication that this one is like, by which the runs taken over from it are
    trained."""
    varied: dict[str, Settings] = {}
    """The settings of runs that change some, or are laid out along axes."""
    experiments: dict[str, Experiment]

    @property
    def seed_numbers(self) -> range:
        """The seeds, one by one."""
        return range(self.first_seed, self.first_seed + self.seeds)

    @property
    def data(self) -> DatasetOptions:
        """The dataset, as prepared for the study."""
        return self.settings.data

    @property
    def budgets(self) -> list[int]:
        """The budgets, in steps, at which claims are decided."""
        return self.ladder or [self.settings.steps]

    @property
    def epochs(self) -> float | None:
        """Passes over the training samples that a run makes; None where their number is not known
        beforehand."""
        return self.epochs_of(self.settings)

    def epochs_of(self, settings: Settings) -> float | None:
        """The same of a run with other settings."""
        samples = self.data.training_samples
        used = settings.steps * settings.batch_size
        return used / (samples * settings.train_fraction) if samples else None

    def single_of(self, task: str, run: str) -> str:
        """Name of the single-task run that matches `run` on `task`: trained on the same labels, at
        the same axis values, its loss not scaled; the one that `run` names, or else where there is
        such a run with the same changes to the settings and the model, begun with the same
        weights."""
        return matching.single_of(self.runs, task, self.runs[run]) or ""

    def owner(self, run: str) -> Plan:
        """The plan by which a run is trained, this one or the lender's."""
        return self.lender if self.lender and self.runs[run].of else self

    def behind(self, run: str) -> list[str]:
        """The runs that a run needs, and those that these need."""
        return list(dict.fromkeys(matching.behind(run, self.runs)))

    def settings_of(self, run: str) -> Settings:
        """The settings of a run."""
        return self.varied.get(run, self.settings)

    def model_of(self, run: str) -> ModelOptions:
        """The options of a run's model."""
        model = _model_of(self.settings_of(run), self.runs[run])
        return model_options(self.owner(run).name, model)

    def axes_of(self, run: str) -> Axis:
        """Where a run lies on every axis along which it, or a variant of it, is laid out."""
        names = {
            name
            for other in self.runs
            if base_of(other) == base_of(run)
            for name in self.runs[other].axis
        }
        own = self.runs[run].axis
        return {name: own.get(name, value_at(self.settings, name)) for name in sorted(names)}

    def along(self, run: str, axis: str) -> dict[float, str]:
        """The variants of a run along one axis, by value in rising order, where the other axes stay
        as they are: of several such lines the one with the most values, trained the longest."""
        lines: dict[str, dict[float, str]] = {}
        for other, spec in self.runs.items():
            if base_of(other) == run:
                place = {name: value for name, value in spec.axis.items() if name != axis}
                value = float(self.axes_of(other).get(axis, 0))
                lines.setdefault(written(place), {})[value] = other

        def extent(line: Mapping[float, str]) -> tuple[int, int]:
            return len(line), max(self.settings_of(other).steps for other in line.values())

        return dict(sorted(max(lines.values(), key=extent).items()))

    def comparisons(self, claim: Claim) -> list[Comparison]:
        """What a claim compares, one by one."""
        return comparing.comparisons(self, claim)

    def specification(self, run: str) -> dict[str, Any]:
        """All that a run is trained with but its code, its data and its seed."""
        if (owner := self.owner(run)) is not self:
            return owner.specification(run)
        spec, settings = self.runs[run], self.settings_of(run)
        tasks = list(settings.tasks) if spec.labels == "disjoint" else spec.trained
        unused = {"model", "tasks", "at", "checkpoint_every"}
        return {
            "settings": settings.model_dump(mode="json", exclude=unused),
            "model": self.model_of(run).model_dump(mode="json"),
            "tasks": {task: settings.tasks[task].model_dump(mode="json") for task in tasks},
            "run": spec.model_dump(
                mode="json",
                exclude={
                    *("title", "model", "settings", "rate_of", "matched"),
                    *("needs", "over", "axis", "of"),
                },
            ),
            "needs": {role: self.run_fingerprint(needed) for role, needed in spec.needs.items()},
            # What the latency of the run is compared with.
            "separate": {
                task: self.model_of(single).model_dump(mode="json")
                for task in (spec.tasks if spec.role == "multi" else [])
                if (single := self.single_of(task, run))
            },
        }

    def run_fingerprint(self, run: str) -> str:
        """Hash of what the run is trained with; a change retrains it."""
        return digest(self.specification(run))

    def experiment_fingerprint(self, experiment: str) -> str:
        """Hash of what the experiment is made with; a change makes it anew."""
        return digest([self.seeds, self.experiments[experiment].model_dump(mode="json")])

    def floor_fingerprint(self) -> str:
        """Hash of what the floors are made with."""
        tasks = {name: own.model_dump(mode="json") for name, own in self.settings.tasks.items()}
        return digest([self.data.model_dump(mode="json"), tasks, self.settings.model])

    @property
    def tuning(self) -> Path | None:
        """The record of how the learning rates were chosen, of a study that is tuned."""
        if not self.tuned:
            return None
        return path_of(self.name).with_name(f"{tuning_study(self.tuned)}.csv")

    def digest(self) -> str:
        """Hash of the whole plan; tables and figures are made anew when it changes."""
        return digest(self.model_dump(mode="json"))


def digest(value: Any) -> str:
    """A short hash of a value of JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _model_of(settings: Settings, run: Run) -> dict[str, Any]:
    """The model's settings as the run changes them."""
    own = run.model | ({"auxiliary": run.auxiliary} if run.auxiliary else {})
    return overlaid(settings.model, own)


def model_options(name: str, options: Mapping[str, Any]) -> ModelOptions:
    """The model's settings as the replication's own `ModelOptions` (its `options.py`)."""
    module = importlib.import_module(f"replications.{name}.options")
    checked_options: ModelOptions = module.ModelOptions.model_validate(options)
    return checked_options
