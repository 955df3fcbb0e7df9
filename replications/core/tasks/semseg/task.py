"""Semantic segmentation: cross entropy over labelled pixels; mean IoU and pixel accuracy."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.data.labels import VOID
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.core.tasks.semseg.options import SemsegOptions


def build(name: str, options: SemsegOptions, dataset: Description) -> Semseg:
    """The task for a dataset."""
    return Semseg(len(dataset.facts["classes"]))


class Semseg:
    """Head: one logit per class, (B, C, H, W)."""

    name = "semseg"
    labels = frozenset({"semseg"})
    likelihood: Likelihood = "classification"

    def __init__(self, n_classes: int) -> None:
        self.channels = n_classes

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Cross entropy, averaged over the labelled pixels of the batch."""
        # Gathered by hand: the two-dimensional nll_loss is not deterministic on CUDA, and cross
        # entropy over a flattened map takes ten times as long on a CPU.
        valid = labels["semseg"] != VOID
        target = torch.where(valid, labels["semseg"], 0)
        log_likelihood = F.log_softmax(prediction, dim=1).gather(1, target[:, None])[:, 0]
        return -(log_likelihood * valid).sum() / valid.sum().clamp(min=1)

    def accumulator(self, complete: bool) -> SemsegMetrics:
        """`miou` and `pixel_accuracy`."""
        return SemsegMetrics(self.channels)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Class ids, (B, H, W)."""
        return prediction.argmax(dim=1)

    def shown_truth(self, labels: Labels) -> Tensor:
        """Class ids, (B, H, W)."""
        return labels["semseg"]


class SemsegMetrics(Accumulator):
    """One confusion matrix over the whole split; void pixels left out."""

    state = ("confusion",)

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        self.confusion = torch.zeros(n_classes, n_classes, dtype=torch.int64)

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, C, H, W) logits and (B, H, W) ids."""
        target = labels["semseg"].reshape(-1)
        predicted = prediction.argmax(dim=1).reshape(-1)
        valid = target != VOID
        cells = target[valid] * self.n_classes + predicted[valid]
        counts = torch.bincount(cells, minlength=self.n_classes**2)
        self.confusion += counts.view(self.n_classes, self.n_classes).cpu()

    def compute(self) -> dict[str, Metric]:
        """Mean IoU over the classes present in truth or prediction, and accuracy, in percent."""
        correct = self.confusion.diagonal().double()
        union = self.confusion.sum(0) + self.confusion.sum(1) - self.confusion.diagonal()
        present = union > 0
        if not present.any():
            return {}
        iou = (correct[present] / union[present]).mean()
        accuracy = correct.sum() / self.confusion.sum()
        return {
            "miou": Metric(100 * iou.item(), "%", True),
            "pixel_accuracy": Metric(100 * accuracy.item(), "%", True),
        }
