"""Encoders that keep their finer features: for decoders with skips and for regions of interest."""

from __future__ import annotations

from torch import Tensor, nn

from replications.core.nets.encoders import BasicBlock
from replications.core.nets.weights import torchvision_model


class Pyramid(nn.Module):
    """An encoder in stages, each from the output of the one before, of which each is a map.

    (B, 3, H, W) to a tuple of (B, C, H/s, W/s), for the C and s of `registry.pyramid.Maps`.
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


def vgg16(stride: int, pretrained: bool) -> Pyramid:
    """torchvision's VGG16 (Simonyan and Zisserman, 2015) to pool5, which is stride 32.

    For a smaller stride the last one or two poolings are left out, and where pool4 is, its map is
    that of conv4_3 and the last convolutions are dilated by two (Chen et al., 2015, DeepLab).
    """
    layers: list[nn.Module] = list(torchvision_model("vgg16", pretrained).features)
    pool3, pool4 = [i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)][2:4]
    to_pool3, to_conv4, to_pool4 = layers[: pool3 + 1], layers[pool3 + 1 : pool4], [layers[pool4]]
    to_pool5 = layers[pool4 + 1 :]
    if stride <= 16:
        del to_pool5[-1]
    if stride == 8:
        to_pool4.clear()
        for layer in to_pool5:
            if isinstance(layer, nn.Conv2d):
                layer.dilation, layer.padding = (2, 2), (2, 2)
    return Pyramid([nn.Sequential(*part) for part in (to_pool3, to_conv4, to_pool4, to_pool5)])


def resnet50(stride: int, pretrained: bool) -> Pyramid:
    """torchvision's ResNet-50 (He et al., 2016); below stride 32 its last stages are dilated."""
    dilated = [False, stride <= 8, stride <= 16]
    n = torchvision_model("resnet50", pretrained, replace_stride_with_dilation=dilated)
    fine = nn.Sequential(n.conv1, n.bn1, n.relu, n.maxpool, n.layer1, n.layer2)
    return Pyramid([fine, n.layer3, n.layer4])
