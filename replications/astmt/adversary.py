"""A discriminator of the tasks' gradients, which the network learns to deceive (section 3.3)."""

from __future__ import annotations

import math
from typing import Any

import torch.nn.functional as F
from torch import Tensor, autograd, nn


class Discriminator(nn.Module):
    """Two 1x1 convolutions: from the gradient at a pixel, whose loss it is of."""

    def __init__(self, channels: int, hidden: int, tasks: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, tasks, 1)

    def forward(self, gradient: Tensor) -> Tensor:
        """(B, C, H, W) to the logits of the tasks, (B, K, H, W); gradients count by direction."""
        unit = F.normalize(gradient, dim=1)
        logits: Tensor = self.second(F.relu(self.first(unit)))
        return logits


class _Reversed(autograd.Function):
    """Its input; the gradient turned around and scaled (Ganin and Lempitsky, ICML 2015)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.factor * gradients[0], None


def reversed_from(x: Tensor, progress: float) -> Tensor:
    """`x`, its gradient reversed: times 0 at the beginning of a training (`progress` 0), almost
    whole at its end."""
    found: Tensor = _Reversed.apply(x, 2 / (1 + math.exp(-10 * progress)) - 1)
    return found
