"""A property of a molecule: squared error of the standardised value; mean absolute error."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.nash_qm9.molecules.options import PropertyOptions


@dataclass(frozen=True)
class Statistics:
    """Mean and spread (standard deviation) of a property in the training split, in its unit."""

    mean: float
    spread: float
    unit: str


def build(name: str, options: PropertyOptions, dataset: Description) -> MoleculeProperty:
    """The task for a dataset."""
    return MoleculeProperty(name, Statistics(**dataset.facts["properties"][name]))


class MoleculeProperty:
    """Head: the standardised value, (B, 1)."""

    channels = 1
    likelihood: Likelihood = "regression"

    def __init__(self, name: str, statistics: Statistics) -> None:
        """`statistics`: mean, spread and unit of the property in the training split."""
        self.name = name
        self.labels = frozenset({name})
        self.statistics = statistics

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Mean squared error in units of the spread in the training split (Navon et al., 2022)."""
        target = (labels[self.name] - self.statistics.mean) / self.statistics.spread
        return (prediction[:, 0] - target).square().mean()

    def accumulator(self, complete: bool) -> MeanAbsoluteError:
        """`mae`, in the unit of the property."""
        return MeanAbsoluteError(self)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """The value in its unit, (B,)."""
        return prediction[:, 0] * self.statistics.spread + self.statistics.mean

    def shown_truth(self, labels: Labels) -> Tensor:
        """The value in its unit, (B,)."""
        return labels[self.name]


class MeanAbsoluteError(Accumulator):
    """Sum of the errors over the molecules of a split."""

    state = ("total", "count")

    def __init__(self, task: MoleculeProperty) -> None:
        self.task = task
        self.total = torch.zeros((), dtype=torch.float64)
        self.count = 0

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, 1) standardised predictions and (B,) values."""
        error = self.task.shown(prediction.double(), labels) - labels[self.task.name]
        self.total += error.abs().sum().cpu()
        self.count += len(error)

    def compute(self) -> dict[str, Metric]:
        """Mean over all molecules."""
        if not self.count:
            return {}
        mean = (self.total / self.count).item()
        return {"mae": Metric(mean, self.task.statistics.unit, False)}
