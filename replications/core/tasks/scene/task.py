"""Scene classification: one class per image, cross entropy; accuracy and mean accuracy."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.core.tasks.scene.options import SceneOptions


def build(name: str, options: SceneOptions, dataset: Description) -> Scene:
    """The task for a dataset."""
    return Scene(len(dataset.facts["scenes"]))


class Scene:
    """Head: one logit per scene, (B, C)."""

    name = "scene"
    labels = frozenset({"scene"})
    likelihood: Likelihood = "classification"

    def __init__(self, n_scenes: int) -> None:
        self.channels = n_scenes

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Cross entropy, averaged over the batch."""
        return F.cross_entropy(prediction, labels["scene"])

    def accumulator(self, complete: bool) -> SceneMetrics:
        """`accuracy` and `mean_accuracy`."""
        return SceneMetrics(self.channels)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Index of the scene, (B,)."""
        return prediction.argmax(dim=1)

    def shown_truth(self, labels: Labels) -> Tensor:
        """Index of the scene, (B,)."""
        return labels["scene"]


class SceneMetrics(Accumulator):
    """One confusion matrix over the whole split."""

    state = ("confusion",)

    def __init__(self, n_scenes: int) -> None:
        self.confusion = torch.zeros(n_scenes, n_scenes, dtype=torch.int64)

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, C) logits and (B,) indices."""
        n = len(self.confusion)
        cells = labels["scene"] * n + prediction.argmax(dim=1)
        self.confusion += torch.bincount(cells, minlength=n * n).view(n, n).cpu()

    def compute(self) -> dict[str, Metric]:
        """Share of images that are right, and the mean over the occurring scenes of that share."""
        correct, images = self.confusion.diagonal().double(), self.confusion.sum(1).double()
        present = images > 0
        if not present.any():
            return {}
        of_scene = (correct[present] / images[present]).mean()
        return {
            "accuracy": Metric(100 * (correct.sum() / images.sum()).item(), "%", True),
            "mean_accuracy": Metric(100 * of_scene.item(), "%", True),
        }
