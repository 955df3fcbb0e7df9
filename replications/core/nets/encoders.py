"""Dilated residual encoders: a thin one of our own, and torchvision's ResNet-50 and -101."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from replications.core.nets.weights import torchvision_model


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al., 2016, figure 2), dilated."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H/stride, W/stride)."""
        return self.second(x, self.first(x))

    def first(self, x: Tensor) -> Tensor:
        """What the second convolution is fed with."""
        return F.relu(self.bn1(self.conv1(x)))

    def second(self, x: Tensor, inner: Tensor) -> Tensor:
        """The output, from the input and what `first` makes of it."""
        return F.relu(self.bn2(self.conv2(inner)) + self.around(x))

    def around(self, x: Tensor) -> Tensor:
        """The shortcut."""
        # Its stride is taken here: on CPUs the backward pass of a strided 1x1 convolution of fewer
        # than 16 channels writes beyond its memory (torch 2.15).
        found: Tensor = self.shortcut(x[..., :: self.stride, :: self.stride])
        return found


class ThinResNet(nn.Sequential):
    """A ResNet with one basic block per stage and the strides of a dilated ResNet: 4, 8, 8, 8.

    Small enough to train on a CPU in seconds; (B, 3, H, W) to (B, 8 * width, H/8, W/8).
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Conv2d(3, width, 3, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            BasicBlock(width, width, stride=2, dilation=1),
            BasicBlock(width, 2 * width, stride=2, dilation=1),
            BasicBlock(2 * width, 4 * width, stride=1, dilation=2),
            BasicBlock(4 * width, 8 * width, stride=1, dilation=4),
        )


class DilatedResNet(nn.Module):
    """torchvision's ResNet, strides of the last two stages replaced by dilation: stride 8."""

    def __init__(self, name: str, pretrained: bool) -> None:
        super().__init__()
        strides = {"replace_stride_with_dilation": [False, True, True]}
        network = torchvision_model(name, pretrained, **strides)
        del network.fc, network.avgpool
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, 2048, H/8, W/8)."""
        n = self.network
        x = n.maxpool(n.relu(n.bn1(n.conv1(x))))
        features: Tensor = n.layer4(n.layer3(n.layer2(n.layer1(x))))
        return features
