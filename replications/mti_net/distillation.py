"""The unit of multi-modal distillation, which PAD-Net has at one scale and MTI-Net at each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class Distillation(nn.Module):
    """Every task receives, from every other, what the other's attention lets through:

        F^o_k = F_k + sum over l != k of sigmoid(A_kl F_l) * (W_kl F_l)

    with 3x3 convolutions A and W (PAD-Net, module C of figure 3; MTI-Net, equation 1).
    """

    def __init__(self, tasks: Sequence[str], final: Sequence[str], channels: int) -> None:
        """`tasks`: those that have features; `final`: those of them that receive."""
        super().__init__()

        def convolutions(task: str) -> nn.ModuleDict:
            others = [other for other in tasks if other != task]
            return nn.ModuleDict({o: nn.Conv2d(channels, channels, 3, padding=1) for o in others})

        self.attention = nn.ModuleDict({task: convolutions(task) for task in final})
        self.message = nn.ModuleDict({task: convolutions(task) for task in final})

    def forward(self, features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """{task: (B, channels, h, w)} to the same of the tasks that receive."""
        distilled = {}
        for task, attention in self.attention.items():
            received = features[task]
            for other, message in self.message[task].items():  # type: ignore[operator]
                gate = torch.sigmoid(attention[other](features[other]))  # type: ignore[index]
                received = received + gate * message(features[other])
            distilled[task] = received
        return distilled
