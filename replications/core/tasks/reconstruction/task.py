"""The picture itself: mean squared error; peak signal-to-noise ratio."""

from __future__ import annotations

import torch
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.core.tasks.reconstruction.options import ReconstructionOptions


def build(name: str, options: ReconstructionOptions, dataset: Description) -> Reconstruction:
    """The task for a dataset."""
    return Reconstruction(dataset.sample["picture"][0])


class Reconstruction:
    """Head: the picture from 0 to 1, (B, C, H, W)."""

    name = "reconstruction"
    labels = frozenset({"picture"})
    likelihood: Likelihood = "regression"

    def __init__(self, channels: int) -> None:
        self.channels = channels

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Mean squared error."""
        return (prediction - labels["picture"]).square().mean()

    def accumulator(self, complete: bool) -> SquaredErrors:
        """`psnr` and `mse`."""
        return SquaredErrors()

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Pictures, (B, C, H, W)."""
        return prediction.clamp(0, 1)

    def shown_truth(self, labels: Labels) -> Tensor:
        """Pictures, (B, C, H, W)."""
        return labels["picture"]


class SquaredErrors(Accumulator):
    """Of the pictures of a split, clipped to what a picture can hold."""

    state = ("decibels", "squares", "count")

    def __init__(self) -> None:
        self.decibels = torch.zeros((), dtype=torch.float64)
        self.squares = torch.zeros((), dtype=torch.float64)
        self.count = 0

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, C, H, W) from 0 to 1."""
        errors = (
            (prediction.double().clamp(0, 1) - labels["picture"]).square().flatten(1).mean(dim=1)
        )
        self.squares += errors.sum().cpu()
        self.decibels += (-10 * errors.clamp(min=1e-10).log10()).sum().cpu()
        self.count += len(errors)

    def compute(self) -> dict[str, Metric]:
        """Means over pictures; of the ratio, the mean of the decibels of each."""
        if not self.count:
            return {}
        return {
            "psnr": Metric((self.decibels / self.count).item(), "dB", True),
            "mse": Metric((self.squares / self.count).item(), "", False),
        }
