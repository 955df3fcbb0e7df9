"""Encoders to one map on a fine grid, for dense predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from replications.core.nets.registry import MOBILENET_V2, Encoder

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Dense(Encoder):
    """An encoder (B, 3, H, W) to (B, C, H/stride, W/stride).

    Attributes:
        build: from the width of the thin encoder, the stride, and whether with ImageNet weights.
        channels: C, from the width of the thin encoder.
    """

    build: Callable[[int, int, bool], nn.Module]
    channels: Callable[[int], int]


def _thin(width: int, stride: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.encoders import ThinResNet

    return ThinResNet(width)


def _resnet(name: str, width: int, stride: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.encoders import DilatedResNet

    return DilatedResNet(name, pretrained)


def _mobilenet_v2(width: int, stride: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.mobilenet import dense

    return dense(stride, pretrained)


def _resnet_entry(name: str) -> Dense:
    return Dense(strides=(8,), build=partial(_resnet, name), channels=lambda width: 2048)


DENSE = {
    "thin": Dense(strides=(8,), pretrained=False, build=_thin, channels=lambda width: 8 * width),
    "resnet50": _resnet_entry("resnet50"),
    "resnet101": _resnet_entry("resnet101"),
    "mobilenet_v2": Dense(
        strides=(8, 16, 32),
        packaged=MOBILENET_V2,
        build=_mobilenet_v2,
        channels=lambda width: 320,
    ),
}
