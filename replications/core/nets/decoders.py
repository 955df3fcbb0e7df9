"""Atrous spatial pyramid pooling and the convolutional head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from replications.core.nets.resize import bilinear


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling (Chen et al., 2017, figure 5): parallel dilated 3x3
    convolutions (rate 1: 1x1), joined by a 1x1 convolution; every one with batch norm."""

    def __init__(self, inputs: int, outputs: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            _conv_bn_relu(inputs, outputs, 1 if rate == 1 else 3, rate) for rate in rates
        )
        self.project = _conv_bn_relu(outputs * len(rates), outputs, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        joined: Tensor = self.project(torch.cat([branch(x) for branch in self.branches], dim=1))
        return joined


class ConvHead(nn.Module):
    """3x3 convolution, 1x1 convolution to the outputs, bilinear upsampling (Kendall et al., 2018,
    section 4 and appendix)."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.conv = _conv_bn_relu(inputs, hidden, 3, 1)
        self.out = nn.Conv2d(hidden, outputs, 1)

    def forward(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, *size)."""
        return bilinear(self.out(self.conv(features)), size)


def _conv_bn_relu(inputs: int, outputs: int, kernel: int, dilation: int) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, 1, padding, dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
