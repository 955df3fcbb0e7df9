"""What is trained, and with what: settings and runs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from replications.core.tasks.options import TASK_OPTIONS, Strict
from replications.core.weighting.options import EqualOptions, WeightingOptions

Positive = Annotated[int, Field(ge=1)]
Role = Literal["single", "multi"]


class Optimizer(Strict):
    """The optimiser of torch.optim and its settings."""

    name: Literal["sgd", "adam", "adamw"]
    lr: Annotated[float, Field(gt=0)]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _momentum_is_of_sgd(self) -> Optimizer:
        if self.name != "sgd" and (self.momentum or self.nesterov):
            raise ValueError(f"momentum and nesterov are settings of sgd, not of {self.name}")
        return self


class Schedule(Strict):
    """The learning rate over training, as a factor of `lr`; linear warm-up comes first."""

    name: Literal["constant", "cosine", "poly", "step"] = "constant"
    power: Annotated[float, Field(gt=0)] = 0.9
    every: Positive | None = None
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.5
    warmup: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _step_has_length(self) -> Schedule:
        if self.name == "step" and self.every is None:
            raise ValueError("schedule 'step' needs 'every' (steps between two reductions)")
        return self


class Augmentation(Strict):
    """What happens to training images, in batches on the device."""

    flip: bool = True
    zoom: Annotated[list[Annotated[float, Field(ge=1)]], Field(min_length=1)] = [1.0]
    """Factors one of which enlarges each image; depth is divided by it."""


class Settings(Strict):
    """Everything one training needs besides its run and its seed."""

    size: Annotated[tuple[Positive, ...], Field(min_length=2, max_length=3)]
    """What the dataset is prepared at: (H, W) of its pictures, or how many of its molecules train,
    validate and test."""
    steps: Positive
    batch_size: Positive
    optimizer: Optimizer
    schedule: Schedule = Schedule()
    augmentation: Augmentation = Augmentation()
    clip_grad_norm: Annotated[float, Field(gt=0)] | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    model: dict[str, Any]
    tasks: dict[str, dict[str, Any]]
    validations: Positive = 4
    checkpoint_every: Positive = 100

    @field_validator("tasks", mode="before")
    @classmethod
    def _known_tasks(cls, tasks: Any) -> Any:
        if not isinstance(tasks, Mapping):
            return tasks  # refused by its type
        for name, options in tasks.items():
            if name not in TASK_OPTIONS:
                raise ValueError(f"unknown task '{name}'; known: {', '.join(TASK_OPTIONS)}")
            TASK_OPTIONS[name].model_validate(options or {})
        return {name: options or {} for name, options in tasks.items()}


class Run(Strict):
    """One model to train: which tasks, how weighted."""

    tasks: Annotated[list[str], Field(min_length=1)]
    weighting: WeightingOptions = EqualOptions()
    loss_scale: dict[str, Annotated[float, Field(gt=0)]] = {}
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
    auxiliary: list[str] = []
    """Tasks that are predicted in training alone: they have a loss and no metrics. The model is
    told of them by its setting `auxiliary`."""

    @field_validator("weighting", mode="before")
    @classmethod
    def _name_alone(cls, weighting: Any) -> Any:
        return {"name": weighting} if isinstance(weighting, str) else weighting

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
    def _scales_its_own_losses(self) -> Run:
        if unknown := set(self.loss_scale) - set(self.trained):
            raise ValueError(f"loss_scale names {sorted(unknown)}, the tasks are {self.trained}")
        return self

    @model_validator(mode="after")
    def _cycle_trains_the_tasks(self) -> Run:
        if self.cycle and set(itertools.chain(*self.cycle)) != set(self.tasks):
            raise ValueError(f"cycle {self.cycle} does not train just the tasks {self.tasks}")
        if not all(self.cycle):
            raise ValueError("cycle has an update without a task")
        return self

    @property
    def role(self) -> Role:
        return "single" if len(self.trained) == 1 else "multi"

    @property
    def trained(self) -> list[str]:
        """The tasks with a loss."""
        return [*self.tasks, *self.auxiliary]
