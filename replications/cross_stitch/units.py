"""Cross-stitch units (Misra et al., CVPR 2016, equation 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CrossStitch(nn.Module):
    """Every task's features become a combination of all tasks', channel by channel.

    `alpha[i, j, c]` is what task i takes of channel c of task j.
    """

    def __init__(self, tasks: int, channels: int, own: float) -> None:
        """`own`: what a task takes of itself at first; of the others together the rest to 1."""
        super().__init__()
        alpha = torch.full((tasks, tasks), (1 - own) / max(1, tasks - 1))
        alpha.fill_diagonal_(own if tasks > 1 else 1.0)
        self.alpha = nn.Parameter(alpha[:, :, None].repeat(1, 1, channels))

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """The tasks' features, (B, C, H, W) each, to as many."""
        stacked = torch.stack(features)
        return list(torch.einsum("ijc,jbchw->ibchw", self.alpha, stacked))
