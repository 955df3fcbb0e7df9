"""The attention modules of MTAN (Liu, Johns and Davison, CVPR 2019, section 3.1)."""

from __future__ import annotations

from torch import Tensor, nn


class Mask(nn.Module):
    """Two 1x1 convolutions and a sigmoid: which of the shared features a task keeps (g and h)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W) in (0, 1)."""
        mask: Tensor = self.layers(x)
        return mask


def bridge(inputs: int, outputs: int) -> nn.Sequential:
    """A 3x3 convolution that leads from one stage to the next (f), with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )
