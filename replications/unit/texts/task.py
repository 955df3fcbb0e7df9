"""A class for a text: cross entropy; accuracy, over texts and as a mean over classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.unit.texts.options import TextOptions


def build(name: str, options: TextOptions, dataset: Description) -> Text:
    """The task for a dataset."""
    return Text(name, dataset.facts["text_classes"][name])


class Text:
    """Head: one logit per class of each of a sample's T texts, (B, T, C)."""

    likelihood: Likelihood = "classification"

    def __init__(self, name: str, classes: Sequence[str]) -> None:
        self.name, self.classes = name, classes
        self.labels = frozenset({name})
        self.channels = len(classes)

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Cross entropy, averaged over all texts of the batch."""
        return F.cross_entropy(prediction.flatten(0, 1), labels[self.name].flatten().long())

    def accumulator(self, complete: bool) -> Classified:
        """`accuracy` and `mean_accuracy`."""
        return Classified(self)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Indices of classes, (B, T)."""
        return prediction.argmax(dim=2)

    def shown_truth(self, labels: Labels) -> Tensor:
        """Indices of classes, (B, T)."""
        return labels[self.name]


class Classified(Accumulator):
    """One table of true and found classes over the whole split."""

    state = ("confusion",)

    def __init__(self, task: Text) -> None:
        self.task = task
        self.confusion = torch.zeros(task.channels, task.channels, dtype=torch.int64)

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, T, C) logits and (B, T) classes."""
        n = self.task.channels
        cells = labels[self.task.name].long() * n + prediction.argmax(dim=2)
        self.confusion += torch.bincount(cells.flatten().cpu(), minlength=n * n).view(n, n)

    def compute(self) -> dict[str, Metric]:
        """In percent."""
        right, texts = self.confusion.diagonal().double(), self.confusion.sum(1).double()
        there = texts > 0
        if not there.any():
            return {}
        of_class = (right[there] / texts[there]).mean()
        return {
            "accuracy": Metric(100 * (right.sum() / texts.sum()).item(), "%", True),
            "mean_accuracy": Metric(100 * of_class.item(), "%", True),
        }
