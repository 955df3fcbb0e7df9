"""Backbones with features at 1/4, 1/8, 1/16 and 1/32 of the image: thin, and of timm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from replications.core.nets.encoders import BasicBlock
from replications.core.nets.pyramids import Pyramid
from replications.core.nets.registry.multiscale import SCALES
from replications.core.nets.weights import timm_model


class FeaturePyramid(nn.Module):
    """Top-down pathway with lateral connections (Lin et al., CVPR 2017, figure 3).

    A 1x1 convolution brings each map of the encoder to `outputs` channels; the next coarser result
    is doubled in size and added; a 3x3 convolution follows. Doubling repeats pixels, as in the
    paper, whose gradient is deterministic on CUDA too.
    """

    def __init__(self, encoder: nn.Module, inputs: Sequence[int], outputs: int) -> None:
        """`inputs`: channels of the encoder's maps, fine to coarse."""
        super().__init__()
        self.encoder = encoder
        self.lateral = nn.ModuleList(nn.Conv2d(width, outputs, 1) for width in inputs)
        self.smooth = nn.ModuleList(nn.Conv2d(outputs, outputs, 3, padding=1) for _ in inputs)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) to maps of `outputs` channels, fine to coarse."""
        laterals = [
            lateral(feature)
            for lateral, feature in zip(self.lateral, self.encoder(images), strict=True)
        ]
        merged = [laterals[-1]]
        for finer in laterals[-2::-1]:
            merged.insert(0, finer + F.interpolate(merged[0], finer.shape[-2:], mode="nearest"))
        return tuple(smooth(feature) for smooth, feature in zip(self.smooth, merged, strict=True))


def thin(width: int) -> Pyramid:
    """A residual encoder with one block a stage, small enough to train on a CPU in a minute.

    `width`, 2 `width`, 4 `width` and 8 `width` channels.
    """
    stem = [nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    first = nn.Sequential(*stem, BasicBlock(width, width, stride=2, dilation=1))
    later = [BasicBlock(k * width, 2 * k * width, stride=2, dilation=1) for k in (1, 2, 4)]
    return Pyramid([first, *later])


def of_timm(name: str, pretrained: bool, **options: Any) -> nn.Module:
    """The four maps of a network of timm, without what follows them; `options`: timm's."""
    maps = {"features_only": True, "out_indices": tuple(range(1, SCALES + 1))}
    network: nn.Module = timm_model(name, pretrained, **maps, **options)
    return network
