"""The feature propagation module: what the tasks of a coarse scale hand to the next finer one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from replications.core.nets.encoders import BasicBlock

_REDUCTION, _LEAST = 16, 4


class SqueezeExcitation(nn.Module):
    """Channels reweighted by a gate computed from their means (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // _REDUCTION, _LEAST)
        self.gate = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, h, w) to the same."""
        gated: Tensor = x * self.gate(x.mean(dim=(2, 3)))[:, :, None, None]
        return gated


class FeaturePropagation(nn.Module):
    """The feature propagation module (MTI-Net, section 3.3, figure 4).

    Harmonisation: a residual block looks at the features of all tasks and gives attention maps,
    by a softmax over the tasks; what they select is reduced to one shared representation.
    Refinement: each task weights the shared channels for itself (squeeze-and-excitation) and adds
    them to its own features.
    """

    def __init__(self, tasks: Sequence[str], channels: int) -> None:
        """`channels`: of each task's features."""
        super().__init__()
        every = len(tasks) * channels
        self.harmonise = BasicBlock(every, every, stride=1, dilation=1)
        self.reduce = BasicBlock(every, channels, stride=1, dilation=1)
        self.refine = nn.ModuleDict({task: SqueezeExcitation(channels) for task in tasks})

    def forward(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """{task: (B, channels, h, w)} to the same."""
        stacked = torch.stack([features[task] for task in self.refine], dim=1)
        logits = self.harmonise(stacked.flatten(1, 2)).view_as(stacked)
        attended = torch.softmax(logits, dim=1) * stacked
        shared = self.reduce(attended.flatten(1, 2))
        return {task: features[task] + refine(shared) for task, refine in self.refine.items()}
