"""One class a picture: cross entropy; accuracy."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.core.tasks.category.options import CategoryOptions


def build(name: str, options: CategoryOptions, dataset: Description) -> Category:
    """The task for a dataset."""
    return Category(len(dataset.facts["categories"]))


class Category:
    """Head: a score per class, (B, C)."""

    name = "category"
    labels = frozenset({"category"})
    likelihood: Likelihood = "classification"

    def __init__(self, classes: int) -> None:
        self.channels = classes

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Cross entropy, averaged over the batch."""
        return F.cross_entropy(prediction, labels["category"])

    def accumulator(self, complete: bool) -> Shares:
        """`accuracy`."""
        return Shares()

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Index of the class, (B,)."""
        return prediction.argmax(dim=1)

    def shown_truth(self, labels: Labels) -> Tensor:
        """Index of the class, (B,)."""
        return labels["category"]


class Shares(Accumulator):
    """How many pictures of a split are right."""

    state = ("right", "count")

    def __init__(self) -> None:
        self.right = self.count = 0

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, C) scores and (B,) indices."""
        self.right += int((prediction.argmax(dim=1) == labels["category"]).sum())
        self.count += len(prediction)

    def compute(self) -> dict[str, Metric]:
        """In percent."""
        if not self.count:
            return {}
        return {"accuracy": Metric(100 * self.right / self.count, "%", True)}
