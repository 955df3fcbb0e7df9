"""What is trained, and with what: settings, phases and runs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from replications.core.spec.options import (
    DatasetOptions,
    Positive,
    Strict,
    TaskOptions,
    WeightingOptions,
    chosen,
    named,
    validated,
)

Role = Literal["single", "multi"]
Factor = Annotated[float, Field(gt=0)]


class Optimizer(Strict):
    """The optimiser of torch.optim and its settings."""

    name: Literal["sgd", "adam", "adamw"]
    lr: Factor
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _momentum_is_of_sgd(self) -> Optimizer:
        if self.name != "sgd" and (self.momentum or self.nesterov):
            raise ValueError(f"momentum and nesterov are settings of sgd, not of {self.name}")
        return self


class Schedule(Strict):
    """The learning rate over a phase, as a factor of `lr`; linear warm-up comes first."""

    name: Literal["constant", "cosine", "poly", "step"] = "constant"
    power: Factor = 0.9
    every: Positive | None = None
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.5
    warmup: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _step_has_length(self) -> Schedule:
        if self.name == "step" and self.every is None:
            raise ValueError("schedule 'step' needs 'every' (steps between two reductions)")
        return self


class Part(Strict):
    """One of several equal parts of the training samples, such as those of one client."""

    index: Annotated[int, Field(ge=0)]
    of: Positive

    @model_validator(mode="after")
    def _exists(self) -> Part:
        if self.index >= self.of:
            raise ValueError(f"part {self.index} of {self.of}; the first is 0")
        return self


class Phase(Strict):
    """A stretch of a run with an optimiser of its own; after it the learner may prune, average,
    sample or freeze (`Learner.finish`)."""

    name: str = "train"
    share: Factor = 1.0
    """Its part of the steps, relative to the other phases."""
    tasks: list[str] = []
    """The tasks that it trains, auxiliary ones too; none given: all of the run."""
    optimizer: Optimizer | None = None
    """None given: as in the settings; likewise the schedule."""
    schedule: Schedule | None = None
    frozen: list[str] = []
    """Modules or parameters of the learner, by name, that do not change in this phase, besides
    those that the learner has without gradient."""
    rates: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Factors on the learning rate of modules or parameters of the learner, by name; 0 leaves
    weights as they are but, other than `frozen`, not what their batch norms know of the data."""
    part: Part | None = None
    """The part of the training samples that it draws from; none given: all."""


class Settings(Strict):
    """Everything one training needs besides its run and its seed."""

    data: SerializeAsAny[DatasetOptions]
    steps: Positive
    batch_size: Positive
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of the training samples that are used, the same for every run and seed."""
    optimizer: Optimizer
    schedule: Schedule = Schedule()
    clip_grad_norm: Factor | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    model: dict[str, Any] = {}
    tasks: dict[str, SerializeAsAny[TaskOptions]]
    at: dict[str, list[float]] = {}
    """Conditions under which every trained model is evaluated besides the usual one."""
    validations: Positive = 4
    checkpoint_every: Positive = 100

    @field_validator("data", mode="before")
    @classmethod
    def _known_dataset(cls, data: Any) -> Any:
        return chosen(DatasetOptions, data)

    @field_validator("tasks", mode="before")
    @classmethod
    def _known_tasks(cls, tasks: Any) -> Any:
        if not isinstance(tasks, Mapping):
            return tasks  # refused by its type
        return {
            name: validated(named(TaskOptions, name), options or {})
            for name, options in tasks.items()
        }

    @model_validator(mode="after")
    def _has_the_labels(self) -> Settings:
        held = self.data.labels
        for name, options in self.tasks.items():
            if lacking := set(options.labels or (name,)) - set(held):
                raise ValueError(
                    f"task '{name}' needs {', '.join(sorted(lacking))}, which dataset "
                    f"{self.data.name} does not have; it has: {', '.join(held)}"
                )
        return self

    @property
    def conditions(self) -> list[dict[str, float]]:
        """Every condition of `at`, one at a time."""
        return [{name: value} for name, values in self.at.items() for value in values]


ITSELF = "itself"
"""What the run that another trains on is to it."""


class Run(Strict):
    """One model to train: which tasks, how weighted."""

    tasks: Annotated[list[str], Field(min_length=1)]
    weighting: SerializeAsAny[WeightingOptions] = Field(default="equal", validate_default=True)
    loss_scale: dict[str, Factor] = {}
    """Factors on the losses of tasks before they are weighted; 1 where none is given."""
    title: str
    """The name of the run in tables."""
    labels: Literal["shared", "disjoint"] = "shared"
    """`disjoint`: each training image keeps the labels of one task, and every task has a batch of
    its own in an update, as where the tasks' labels come from different datasets."""
    cycle: list[list[str]] = []
    """The tasks of each update, in turn; none given: all tasks, always."""
    model: dict[str, Any] = {}
    """What the run changes in the model's settings."""
    rate_of: str | None = None
    """The run whose chosen learning rate it has, as variants and controls do; none given: one of
    its own. See `Study.tuned`."""
    settings: dict[str, Any] = {}
    """What the run changes in the settings: a variant by itself, compared with single-task runs
    that change the same where there are such, and else with those of the settings."""
    matched: dict[str, str] = {}
    """The single-task runs that it is compared with, of tasks for which that is not the run most
    like it; see `Plan.single_of`."""
    auxiliary: list[str] = []
    """Tasks that are predicted in training alone: they have a loss and no metrics. The model is
    told of them by its setting `auxiliary`."""
    phases: Annotated[list[Phase], Field(min_length=1)] = [Phase()]
    rounds: Positive = 1
    """How often the phases are gone through, each time for their share of the steps."""
    needs: dict[str, str] = {}
    """Runs of the same seed whose trained learners the model is built from, by what they are to
    it: `{teacher: single_semseg}`; `{itself: joint}` trains on what that run has trained. Along an
    axis it is the run at the same value, where there is one."""
    over: dict[str, list[int | float]] = {}
    """Axes: settings, by their path (`steps`, `optimizer.lr`, `model.width`), and the values at
    which the run, and the single-task runs that match it, are trained besides the settings' own."""
    axis: dict[str, int | float] = {}
    """Of a run laid out along axes: the values that it is trained at. Not to be set by hand."""
    of: str | None = None
    """The replication from which the run is taken over, see `Replication.like`. Not to be set by
    hand."""

    @field_validator("weighting", mode="before")
    @classmethod
    def _known_weighting(cls, weighting: Any) -> Any:
        return chosen(WeightingOptions, weighting)

    @field_validator("tasks")
    @classmethod
    def _each_once(cls, tasks: list[str]) -> list[str]:
        if len(set(tasks)) != len(tasks):
            raise ValueError(f"a task is named twice: {tasks}")
        return tasks

    @model_validator(mode="after")
    def _auxiliary_tasks_are_extra(self) -> Run:
        if len(set(self.auxiliary) - set(self.tasks)) != len(self.auxiliary):
            raise ValueError(
                f"auxiliary {self.auxiliary} names a task twice or one of {self.tasks}"
            )
        if self.auxiliary and self.labels == "disjoint":
            raise ValueError("auxiliary tasks need labels: shared")
        return self

    @model_validator(mode="after")
    def _names_its_own_tasks(self) -> Run:
        if unknown := set(self.loss_scale) - set(self.trained):
            raise ValueError(f"loss_scale names {sorted(unknown)}, the tasks are {self.trained}")
        if self.cycle and set(itertools.chain(*self.cycle)) != set(self.tasks):
            raise ValueError(f"cycle {self.cycle} does not train just the tasks {self.tasks}")
        if not all(self.cycle):
            raise ValueError("cycle has an update without a task")
        for phase in self.phases:
            if unknown := set(phase.tasks) - set(self.trained):
                raise ValueError(
                    f"phase '{phase.name}' trains {sorted(unknown)}, none of its tasks"
                )
            if phase.tasks and self.cycle:
                raise ValueError(f"phase '{phase.name}' has tasks, and the run a cycle of tasks")
        names = [phase.name for phase in self.phases]
        if len(set(names)) != len(names):
            raise ValueError(f"two phases have the same name: {names}")
        return self

    @property
    def role(self) -> Role:
        return "single" if len(self.trained) == 1 else "multi"

    @property
    def trained(self) -> list[str]:
        """The tasks with a loss."""
        return [*self.tasks, *self.auxiliary]


def value_at(settings: Settings, path: str) -> int | float:
    """The number at a path of the settings, such as `optimizer.lr` or `model.width`.

    Raises:
        ValueError: there is none.
    """
    found: Any = settings.model_dump()
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError(f"'{path}' is no number of the settings (found: {found!r})")
    return found
