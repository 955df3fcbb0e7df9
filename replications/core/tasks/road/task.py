"""Road segmentation: two classes, cross entropy; KITTI's maximum F1 and average precision."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.data.labels import VOID
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.core.tasks.road.options import RoadOptions

_THRESHOLDS = 256
_RECALLS = 11


def build(name: str, options: RoadOptions, dataset: Description) -> Road:
    """The task for a dataset."""
    return Road(dataset.facts["classes"].index("road"))


class Road:
    """Head: a logit for "no road" and one for "road" per pixel, (B, 2, H, W)."""

    name = "road"
    labels = frozenset({"semseg"})
    channels = 2
    likelihood: Likelihood = "classification"

    def __init__(self, road: int) -> None:
        """`road`: the id of the road among the semantic classes."""
        self.road = road

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Cross entropy, averaged over the labelled pixels of the batch."""
        # With two classes: softplus of the margin by which the wrong class leads.
        valid = labels["semseg"] != VOID
        lead = prediction[:, 1] - prediction[:, 0]
        wrong = torch.where(labels["semseg"] == self.road, -lead, lead)
        return (F.softplus(wrong) * valid).sum() / valid.sum().clamp(min=1)

    def probability(self, prediction: Tensor) -> Tensor:
        """Probability of road, (B, H, W)."""
        return torch.sigmoid(prediction[:, 1] - prediction[:, 0])

    def accumulator(self, complete: bool) -> RoadMetrics:
        """`max_f1` and `ap`."""
        return RoadMetrics(self)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Probability of road, (B, H, W)."""
        return self.probability(prediction)

    def shown_truth(self, labels: Labels) -> Tensor:
        """1 on the road, 0 elsewhere, (B, H, W)."""
        return (labels["semseg"] == self.road).float()


class RoadMetrics(Accumulator):
    """How many labelled pixels of and off the road have which probability, in 256 steps.

    As KITTI's road benchmark and the authors' KittiSeg do (Fritsch, Kuehnl and Geiger, ITSC 2013):
    one curve over all pixels of the split, in the perspective image.
    """

    state = ("counts",)

    def __init__(self, task: Road) -> None:
        self.task = task
        self.counts = torch.zeros(2, _THRESHOLDS, dtype=torch.int64)

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, 2, H, W) logits and (B, H, W) semantic ids."""
        level = (self.task.probability(prediction) * (_THRESHOLDS - 1)).floor().long()
        semseg = labels["semseg"]
        cells = (semseg == self.task.road) * _THRESHOLDS + level
        found = torch.bincount(cells[semseg != VOID], minlength=2 * _THRESHOLDS)
        self.counts += found.view(2, _THRESHOLDS).cpu()

    def compute(self) -> dict[str, Metric]:
        """Best F1 over the thresholds and 11-point interpolated AP, in percent."""
        # Pixels at or above each threshold, from the highest threshold to the lowest.
        false, true = self.counts.flip(1).cumsum(1).double()
        if not true[-1]:
            return {}
        recall = true / true[-1]
        precision = true / (true + false).clamp(min=1)
        f1 = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
        best_beyond = precision.flip(0).cummax(0).values.flip(0)
        wanted = torch.linspace(0, 1, _RECALLS, dtype=torch.float64)
        # The lowest threshold takes in every pixel, so a recall of 1 is always reached.
        # A hair less is wanted: 7/10 and 0.7 of the grid differ by rounding.
        first = torch.searchsorted(recall, wanted - 1e-12).clamp(max=_THRESHOLDS - 1)
        return {
            "max_f1": Metric(100 * f1.max().item(), "%", True),
            "ap": Metric(100 * best_beyond[first].mean().item(), "%", True),
        }
