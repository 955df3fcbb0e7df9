"""Encoders that keep their finer features: for decoders with skips and for regions of interest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replications.core.nets.registry import MOBILENET_V2, Encoder

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Maps:
    """The maps that an encoder gives, fine to coarse.

    Attributes:
        channels: of each.
        strides: pixels of the image to a pixel of each; of neighbours they are equal or double.
        skips: which of them FCN8s scores, fine to coarse; the last is the deepest.
        early: which of them regions of interest are pooled from.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    skips: tuple[int, int, int] = (0, 1, 2)
    early: int = 0


@dataclass(frozen=True, kw_only=True)
class Pyramidal(Encoder):
    """An encoder (B, 3, H, W) to a tuple of (B, C, H/s, W/s).

    FCN8s and the rezoom layer take of the maps what they take in the authors' code (KittiSeg,
    KittiBox).

    Attributes:
        build: from the width of the thin encoder, the stride, and whether with ImageNet weights.
        maps: their C and s, from the width of the thin encoder and the stride.
    """

    build: Callable[[int, int, bool], nn.Module]
    maps: Callable[[int, int], Maps]


def _thin(width: int, stride: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.pyramids import thin

    return thin(width)


def _thin_maps(width: int, stride: int) -> Maps:
    return Maps((width, 2 * width, 4 * width), (2, 4, 8))


def _vgg16(width: int, stride: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.pyramids import vgg16

    return vgg16(stride, pretrained)


def _vgg16_maps(width: int, stride: int) -> Maps:
    """pool3, conv4_3, pool4 and the deepest."""
    strides = (8, 8, min(stride, 16), stride)
    return Maps((256, 512, 512, 512), strides, skips=(0, 2, 3), early=1)


def _resnet50(width: int, stride: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.pyramids import resnet50

    return resnet50(stride, pretrained)


def _resnet50_maps(width: int, stride: int) -> Maps:
    """The last three stages."""
    return Maps((512, 1024, 2048), (8, min(stride, 16), stride))


def _mobilenet_v2(width: int, stride: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.mobilenet import pyramid

    return pyramid(stride, pretrained)


def _mobilenet_v2_maps(width: int, stride: int) -> Maps:
    """The last maps of stride 8, 16 and 32, which ResNet-50's last three stages are."""
    return Maps((32, 96, 320), (8, min(stride, 16), stride))


_ANY = (8, 16, 32)
PYRAMIDS = {
    "thin": Pyramidal(strides=(8,), pretrained=False, build=_thin, maps=_thin_maps),
    "vgg16": Pyramidal(strides=_ANY, build=_vgg16, maps=_vgg16_maps),
    "resnet50": Pyramidal(strides=_ANY, build=_resnet50, maps=_resnet50_maps),
    "mobilenet_v2": Pyramidal(
        strides=_ANY, packaged=MOBILENET_V2, build=_mobilenet_v2, maps=_mobilenet_v2_maps
    ),
}
