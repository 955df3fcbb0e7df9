"""What a task is to the engine: a head width, a loss, and a metric accumulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

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


class Accumulator(Protocol):
    """Collects a metric batch by batch over a split."""

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add a batch."""

    def compute(self) -> dict[str, Metric]:
        """The metrics over everything added; a metric without any valid pixel is left out."""


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


def available(task: Task, labels: Labels) -> bool:
    """Whether a batch carries what the task needs; where not, its loss is absent, not zero."""
    return all(label in labels for label in task.labels)


def losses_of(
    tasks: Mapping[str, Task], predictions: Mapping[str, Sequence[Tensor]], labels: Labels
) -> dict[str, Tensor]:
    """The loss of each task that the batch has the labels of: the sum over its predictions, taken
    in float32 whatever the precision of the network."""
    found = {}
    for name, own in predictions.items():
        if available(tasks[name], labels):
            with torch.autocast(own[0].device.type, enabled=False):
                terms = [tasks[name].loss(p.float(), labels) for p in own]
                found[name] = torch.stack(terms).sum()
    return found
