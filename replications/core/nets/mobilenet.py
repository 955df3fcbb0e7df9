"""MobileNetV2 (Sandler et al., CVPR 2018), torchvision's, as an encoder for dense predictions."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from replications.core.nets.pyramids import Pyramid
from replications.core.nets.weights import torchvision_model

_STAGES = (0, 4, 7, 14, 18)
"""Where the layers of stride 4, 8, 16 and 32 begin, and where they end: at the second-last map, of
320 channels, which section 6.3 of the paper builds DeepLabv3 on."""


def stages(stride: int, pretrained: bool) -> list[nn.Module]:
    """Four stages, with 24, 32, 96 and 320 channels, of stride 4, 8, 16 and 32 or `stride`."""
    layers = list(torchvision_model("mobilenet_v2", pretrained).features)
    parts = [nn.Sequential(*layers[begin:end]) for begin, end in pairwise(_STAGES)]
    _dilate(nn.ModuleList(parts), stride)
    return [*parts]


def dense(stride: int, pretrained: bool) -> nn.Sequential:
    """(B, 3, H, W) to (B, 320, H/stride, W/stride)."""
    return nn.Sequential(*stages(stride, pretrained))


def pyramid(stride: int, pretrained: bool) -> Pyramid:
    """Three maps, with 32, 96 and 320 channels, of stride 8, 16 and 32 or `stride`."""
    first, second, *others = stages(stride, pretrained)
    return Pyramid([nn.Sequential(first, second), *others])


def _dilate(network: nn.Module, stride: int) -> None:
    """Replace strides beyond `stride` by dilation, after which every weight meets the same
    neighbours as before (Chen et al., 2017, section 3.1)."""
    reached = dilation = 1
    for layer in network.modules():
        if not isinstance(layer, nn.Conv2d) or layer.kernel_size != (3, 3):
            continue
        layer.dilation = layer.padding = (dilation, dilation)
        if layer.stride == (2, 2) and reached == stride:
            layer.stride = (1, 1)
            dilation *= 2
        else:
            reached *= layer.stride[0]
