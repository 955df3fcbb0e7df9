"""Encoders that keep their finer features: for decoders with skips and for regions of interest."""

from __future__ import annotations

import itertools
from typing import Literal

from torch import Tensor, nn

from replications.core.nets.encoders import BasicBlock
from replications.core.nets.weights import torchvision_model

PyramidName = Literal["thin", "vgg16", "resnet50"]
Stride = Literal[8, 16, 32]


def channels_of(name: PyramidName, width: int, stride: Stride) -> tuple[int, int, int]:
    """Channels of the three maps, fine to coarse."""
    if name == "thin":
        return width, 2 * width, 4 * width
    return {
        "vgg16": {32: (256, 512, 512), 16: (128, 256, 512), 8: (64, 128, 512)},
        "resnet50": {32: (512, 1024, 2048), 16: (256, 512, 2048), 8: (64, 256, 2048)},
    }[name][stride]


class Pyramid(nn.Module):
    """An encoder in three stages, each from the output of the one before.

    (B, 3, H, W) to a tuple of (B, C, H/s, W/s) for s = stride/4, stride/2, stride, with the C of
    `channels_of`.
    """

    def __init__(self, stages: list[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Features from fine to coarse."""
        features = []
        for stage in self.stages:
            images = stage(images)
            features.append(images)
        return tuple(features)


def thin(width: int) -> Pyramid:
    """A residual encoder of stride 8, small enough to train on a CPU in a minute."""
    fine = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
    middle = BasicBlock(width, 2 * width, stride=2, dilation=1)
    coarse = nn.Sequential(
        BasicBlock(2 * width, 4 * width, stride=2, dilation=1),
        BasicBlock(4 * width, 4 * width, stride=1, dilation=2),
    )
    return Pyramid([fine, middle, coarse])


def vgg16(stride: Stride, pretrained: bool) -> Pyramid:
    """torchvision's VGG16 (Simonyan and Zisserman, 2015) to pool5, which is stride 32.

    For a smaller stride the last one or two poolings are left out, and where pool4 is, the last
    convolutions are dilated by two instead (Chen et al., 2015, DeepLab).
    """
    layers: list[nn.Module] = list(torchvision_model("vgg16", pretrained).features)
    blocks: list[list[nn.Module]] = [[]]
    for layer in layers:
        blocks[-1].append(layer)
        if isinstance(layer, nn.MaxPool2d):
            blocks.append([])
    if stride <= 16:
        del blocks[4][-1]
    if stride == 8:
        del blocks[3][-1]
        for layer in blocks[4]:
            if isinstance(layer, nn.Conv2d):
                layer.dilation, layer.padding = (2, 2), (2, 2)
    first, second = {32: (3, 4), 16: (2, 3), 8: (1, 2)}[stride]
    parts = (blocks[:first], blocks[first:second], blocks[second:])
    return Pyramid([nn.Sequential(*itertools.chain(*part)) for part in parts])


def resnet50(stride: Stride, pretrained: bool) -> Pyramid:
    """torchvision's ResNet-50 (He et al., 2016); below stride 32 its last stages are dilated."""
    dilated = [False, stride <= 8, stride <= 16]
    n = torchvision_model("resnet50", pretrained, replace_stride_with_dilation=dilated)
    stem = [n.conv1, n.bn1, n.relu]
    parts: dict[int, list[list[nn.Module]]] = {
        32: [[*stem, n.maxpool, n.layer1, n.layer2], [n.layer3], [n.layer4]],
        16: [[*stem, n.maxpool, n.layer1], [n.layer2], [n.layer3, n.layer4]],
        8: [stem, [n.maxpool, n.layer1], [n.layer2, n.layer3, n.layer4]],
    }
    return Pyramid([nn.Sequential(*part) for part in parts[stride]])


def build_pyramid(name: PyramidName, width: int, stride: Stride, pretrained: bool) -> Pyramid:
    """The encoder `name`; `width` is for the thin one, the rest for the others."""
    if name == "thin":
        return thin(width)
    return vgg16(stride, pretrained) if name == "vgg16" else resnet50(stride, pretrained)
