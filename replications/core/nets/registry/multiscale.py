"""Backbones with four maps, at 1/4, 1/8, 1/16 and 1/32 of the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from replications.core.nets.registry import MOBILENET_V2, Encoder

if TYPE_CHECKING:
    from torch import nn

SCALES = 4


@dataclass(frozen=True, kw_only=True)
class MultiScale(Encoder):
    """A backbone (B, 3, H, W) to four maps (B, C, H/s, W/s), fine to coarse.

    Attributes:
        build: from the width of the thin encoder, the channels of a feature pyramid, and whether
            with ImageNet weights.
        channels: the four C, from the channels of a feature pyramid.
    """

    strides: tuple[int, ...] = (32,)
    build: Callable[[int, int, bool], nn.Module]
    channels: Callable[[int], tuple[int, ...]] = lambda pyramid: (pyramid,) * SCALES


def _thin(width: int, pyramid: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.multiscale import FeaturePyramid, thin

    return FeaturePyramid(thin(width), [k * width for k in (1, 2, 4, 8)], pyramid)


def _resnet18(width: int, pyramid: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.multiscale import FeaturePyramid, of_timm

    return FeaturePyramid(of_timm("resnet18", pretrained), (64, 128, 256, 512), pyramid)


def _mobilenet_v2(width: int, pyramid: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.mobilenet import stages
    from replications.core.nets.multiscale import FeaturePyramid
    from replications.core.nets.pyramids import Pyramid

    return FeaturePyramid(Pyramid(stages(32, pretrained)), (24, 32, 96, 320), pyramid)


def _hrnet(name: str, width: int, pyramid: int, pretrained: bool) -> nn.Module:
    from replications.core.nets.multiscale import of_timm

    # The maps themselves, not timm's widened ones for classification.
    return of_timm(name, pretrained, feature_location="")


def _hrnet_entry(name: str) -> MultiScale:
    return MultiScale(build=partial(_hrnet, name), channels=lambda pyramid: (18, 36, 72, 144))


MULTISCALE = {
    "thin": MultiScale(pretrained=False, build=_thin),
    "resnet18": MultiScale(build=_resnet18),
    "mobilenet_v2": MultiScale(packaged=MOBILENET_V2, build=_mobilenet_v2),
    "hrnet_w18": _hrnet_entry("hrnet_w18"),
    "hrnet_w18_small_v2": _hrnet_entry("hrnet_w18_small_v2"),
}
