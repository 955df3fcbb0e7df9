"""What a task is to the engine: a head width, a loss, and a metric accumulator."""

from __future__ import annotations

import dataclasses
import itertools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, Self

import torch
from torch import Tensor

Labels = Mapping[str, Tensor]
Likelihood = Literal["classification", "regression"]


@dataclass(frozen=True)
class Metric:
    """A measured value, its unit and which way is better."""

    value: float
    unit: str
    higher_is_better: bool


class Accumulator(ABC):
    """Collects a metric batch by batch over a split."""

    state: ClassVar[tuple[str, ...]]
    """The attributes that hold what was added: what adds up with `+`, lists to be joined, and
    mappings and dataclasses of such things."""

    @abstractmethod
    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add a batch."""

    @abstractmethod
    def compute(self) -> dict[str, Metric]:
        """The metrics over everything added; a metric without any valid pixel is left out."""

    def merge(self, others: Sequence[Self]) -> None:
        """Add what others of the same task have collected, in their order."""
        for name in self.state:
            setattr(self, name, _joined([getattr(one, name) for one in (self, *others)]))


class Task(Protocol):
    """One task. It never sees the model."""

    name: str
    labels: frozenset[str]
    """The labels its loss and metrics need."""
    channels: int
    """How wide the head is."""
    likelihood: Likelihood
    """Which form of the uncertainty objective its loss takes (Kendall et al., 2018)."""

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Scalar loss of a batch; 0 with zero gradient where no pixel is valid."""

    def accumulator(self, complete: bool) -> Accumulator:
        """A fresh accumulator; `complete` adds the metrics too slow for curves."""

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """The prediction as a person looks at it: maps (B, H, W), boxes (B, K, 5), ids (B,)."""

    def shown_truth(self, labels: Labels) -> Tensor:
        """The label in the form of `shown`."""


def _joined(values: Sequence[Any]) -> Any:
    """The sum of what was collected apart."""
    first = values[0]
    if isinstance(first, dict):
        return {key: _joined([value[key] for value in values]) for key in first}
    if isinstance(first, list):
        return list(itertools.chain.from_iterable(values))
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        own = [vars(value) for value in values]
        return type(first)(**_joined(own))
    return sum(values[1:], start=first)


def available(task: Task, labels: Labels) -> bool:
    """Whether a batch carries what the task needs; where not, its loss is absent, not zero."""
    return all(label in labels for label in task.labels)


def loss_terms(
    tasks: Mapping[str, Task], predictions: Mapping[str, Sequence[Tensor]], labels: Labels
) -> dict[str, Tensor]:
    """The loss of each of a task's predictions, (P,), of every task that the batch has the labels
    of; taken in float32 whatever the precision of the network."""
    found = {}
    for name, own in predictions.items():
        if available(tasks[name], labels):
            with torch.autocast(own[0].device.type, enabled=False):
                found[name] = torch.stack([tasks[name].loss(p.float(), labels) for p in own])
    return found


def losses_of(
    tasks: Mapping[str, Task], predictions: Mapping[str, Sequence[Tensor]], labels: Labels
) -> dict[str, Tensor]:
    """The loss of each task that the batch has the labels of: the sum over its predictions."""
    return {name: own.sum() for name, own in loss_terms(tasks, predictions, labels).items()}
