"""Contrastive learning of projections of two views (Chen et al., ICML 2020)."""

from __future__ import annotations

from typing import NoReturn

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.asynchronous.contrast.options import ContrastOptions
from replications.core.data.batches import Description
from replications.core.tasks.base import Labels, Likelihood


def build(name: str, options: ContrastOptions, dataset: Description) -> Contrast:
    """The task for a dataset."""
    return Contrast(options)


class Contrast:
    """Projections (2 B, D): of one view of every picture, then of the other."""

    name = "contrast"
    labels = frozenset({"picture"})
    likelihood: Likelihood = "classification"

    def __init__(self, options: ContrastOptions) -> None:
        self.channels = options.features
        self.temperature = options.temperature

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Normalised temperature-scaled cross entropy (equation 1): each view is to be found among
        all others by its twin."""
        unit = F.normalize(prediction, dim=1)
        alike = unit @ unit.T / self.temperature
        alike = alike.masked_fill(torch.eye(len(unit), dtype=torch.bool, device=unit.device), -1e9)
        twins = torch.arange(len(unit), device=unit.device).roll(len(unit) // 2)
        return F.cross_entropy(alike, twins)

    def _unmeasured(self, *_: object) -> NoReturn:
        raise NotImplementedError("contrastive learning is auxiliary: it has a loss and no metric")

    accumulator = shown = shown_truth = _unmeasured
