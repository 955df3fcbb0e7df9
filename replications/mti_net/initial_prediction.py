"""Initial task predictions: every task is predicted early, from the features of one scale."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from replications.core.nets.encoders import BasicBlock
from replications.core.nets.resize import bilinear


class InitialTaskPrediction(nn.Module):
    """Per task two residual blocks, whose output are the task's features of the scale, and a 1x1
    convolution to a prediction that is supervised (MTI-Net, section 3.2 and figure 2; PAD-Net,
    section 3.2)."""

    def __init__(self, tasks: Mapping[str, int], inputs: int, channels: int) -> None:
        """`tasks`: width of each task's prediction; `inputs`: channels that enter a task."""
        super().__init__()
        self.refine = nn.ModuleDict(
            {
                task: nn.Sequential(
                    BasicBlock(inputs, channels, stride=1, dilation=1),
                    BasicBlock(channels, channels, stride=1, dilation=1),
                )
                for task in tasks
            }
        )
        self.predict = nn.ModuleDict(
            {task: nn.Conv2d(channels, width, 1) for task, width in tasks.items()}
        )

    def forward(self, features: Tensor, coarser: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Task features (B, channels, h, w) of backbone features (B, C, h, w).

        `coarser`: what the next coarser scale propagates to each task, already of this size, which
        is concatenated to the backbone's; empty where nothing is propagated.
        """
        return {
            task: refine(torch.cat([features, coarser[task]], dim=1) if coarser else features)
            for task, refine in self.refine.items()
        }

    def prediction(self, task: str, features: Tensor, size: tuple[int, int]) -> Tensor:
        """The initial prediction of a task from its features, (B, width, *size)."""
        return bilinear(self.predict[task](features), size)
