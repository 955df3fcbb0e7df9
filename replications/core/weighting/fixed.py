"""Weights per task that stay as they are given."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from replications.core.nets.shared_trunk import Features
from replications.core.weighting.base import Losses, Shared, Weighting


class Fixed(Weighting):
    """Every loss times the weight of its task."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = dict(weights)

    def backward(self, losses: Losses, features: Features, model: Shared) -> dict[str, Tensor]:
        """Gradients of the weighted sum of losses."""
        torch.stack([self.weights[task] * loss for task, loss in losses.items()]).sum().backward()
        return {f"weight_{task}": torch.tensor(self.weights[task]) for task in losses}
