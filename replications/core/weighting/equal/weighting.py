"""Equal weights: the sum of the losses, or a fixed multiple of it."""

from __future__ import annotations

import torch
from torch import Tensor

from replications.core.nets.learner import Features
from replications.core.weighting.base import Context, Losses, Shared, Weighting
from replications.core.weighting.equal.options import EqualOptions


def build(options: EqualOptions, context: Context) -> Equal:
    """The weighting its options describe."""
    return Equal(options.scale)


class Equal(Weighting):
    """Every loss times the same constant."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def backward(self, losses: Losses, features: Features, model: Shared) -> dict[str, Tensor]:
        """Gradients of scale * sum of losses."""
        (self.scale * torch.stack(list(losses.values())).sum()).backward()
        return {f"weight_{task}": torch.tensor(self.scale) for task in losses}
