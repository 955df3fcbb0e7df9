"""Feature aggregation over scales, and the head on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from replications.core.nets.resize import bilinear


def aggregated(maps: Sequence[Tensor]) -> Tensor:
    """Maps from fine to coarse, brought to the size of the finest and concatenated."""
    return torch.cat([bilinear(feature, _size(maps[0])) for feature in maps], dim=1)


class Aggregating(nn.Module):
    """A backbone whose maps become one (PAD-Net interacts at one scale)."""

    def __init__(self, backbone: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.backbone = backbone()

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """(B, 3, H, W) to the aggregated map, alone in a tuple."""
        return (aggregated(self.backbone(images)),)


class AggregationHead(nn.Module):
    """Decodes the maps of all scales, aggregated, as HRNet does (Wang et al., PAMI 2020): a 1x1
    convolution that keeps the channels, one to the outputs, and bilinear upsampling.

    The single-task and plain multi-task models have it on the backbone's maps, MTI-Net on those of
    its distillation (section 3.4, feature aggregation).
    """

    def __init__(self, channels: int, outputs: int) -> None:
        """`channels`: of all maps together."""
        super().__init__()
        self.mix = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.out = nn.Conv2d(channels, outputs, 1)

    def forward(self, maps: tuple[Tensor, ...], size: tuple[int, int]) -> Tensor:
        """Maps from fine to coarse to (B, outputs, *size)."""
        return bilinear(self.out(self.mix(aggregated(maps))), size)


def _size(feature: Tensor) -> tuple[int, int]:
    return feature.shape[-2], feature.shape[-1]
