"""Encoders cut into four stages, of which tasks may have some in common and others of their own."""

from __future__ import annotations

from torch import nn

from replications.core.nets.encoders import ThinResNet
from replications.core.nets.weights import torchvision_model


def thin(width: int) -> list[nn.Module]:
    """The thin ResNet: `width`, 2, 4 and 8 `width` channels, of stride 4, 8, 8 and 8."""
    *stem, first, second, third, fourth = ThinResNet(width)
    return [nn.Sequential(*stem, first), second, third, fourth]


def resnet18(pretrained: bool) -> list[nn.Module]:
    """torchvision's ResNet-18: 64, 128, 256 and 512 channels, of stride 4, 8, 16 and 32."""
    n = torchvision_model("resnet18", pretrained)
    first = nn.Sequential(n.conv1, n.bn1, n.relu, n.maxpool, n.layer1)
    return [first, n.layer2, n.layer3, n.layer4]
