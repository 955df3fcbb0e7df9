"""The picture itself: mean squared error; peak signal-to-noise ratio, structural similarity."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from replications.core.data.batches import Description
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.core.tasks.reconstruction.options import ReconstructionOptions

_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the original picture, of half of its size, and so on (Wang, Simoncelli and Bovik,
Multi-scale structural similarity for image quality assessment, 2003, section 3.2)."""
_WINDOW = 11
"""Pixels of the Gaussian window's side."""


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

    def accumulator(self, complete: bool) -> Fidelity:
        """`psnr`, `mse` and, where it is to be complete, `ms_ssim`."""
        return Fidelity(complete)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Pictures, (B, C, H, W)."""
        return prediction.clamp(0, 1)

    def shown_truth(self, labels: Labels) -> Tensor:
        """Pictures, (B, C, H, W)."""
        return labels["picture"]


class Fidelity(Accumulator):
    """Of the pictures of a split, clipped to what a picture can hold."""

    state = ("decibels", "squares", "count", "similarity", "compared")

    def __init__(self, complete: bool) -> None:
        self.complete = complete
        self.decibels = torch.zeros((), dtype=torch.float64)
        self.squares = torch.zeros((), dtype=torch.float64)
        self.count = 0
        self.similarity = torch.zeros((), dtype=torch.float64)
        self.compared = 0

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, C, H, W) from 0 to 1."""
        found, truth = prediction.clamp(0, 1), labels["picture"]
        errors = (found.double() - truth).square().flatten(1).mean(dim=1)
        self.squares += errors.sum().cpu()
        self.decibels += (-10 * errors.clamp(min=1e-10).log10()).sum().cpu()
        self.count += len(errors)
        if self.complete and (weights := _weights(truth)):
            self.similarity += _similarity(found, truth, weights).double().sum().cpu()
            self.compared += len(found)

    def compute(self) -> dict[str, Metric]:
        """Means over pictures; of the ratio, the mean of the decibels of each. Pictures too small
        for a window at two scales have no `ms_ssim`."""
        if not self.count:
            return {}
        found = {
            "psnr": Metric((self.decibels / self.count).item(), "dB", True),
            "mse": Metric((self.squares / self.count).item(), "", False),
        }
        if self.compared:
            found["ms_ssim"] = Metric((self.similarity / self.compared).item(), "", True)
        return found


def _weights(pictures: Tensor) -> tuple[float, ...]:
    """Of as many scales as have a window's side at the coarsest, of sum 1; none where that is not
    even two. The library asks for the square of the scale, too."""
    side = min(pictures.shape[2:])
    own = tuple(w for k, w in enumerate(_SCALES) if side // max(2**k, k * k) >= _WINDOW)
    return tuple(w / sum(own) for w in own) if len(own) > 1 else ()


def _similarity(found: Tensor, truth: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Of each picture, (B,)."""
    values: Tensor = multiscale_structural_similarity_index_measure(
        found, truth, kernel_size=_WINDOW, data_range=1.0, betas=weights, reduction="none"
    )
    return values
