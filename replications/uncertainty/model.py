"""The network of Kendall et al. (2018), section 4: dilated ResNet and ASPP, one head per task."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from replications.core.nets.decoders import ASPP, ConvHead
from replications.core.nets.registry.dense import DENSE
from replications.core.nets.shared_trunk import SharedTrunk
from replications.uncertainty.options import ModelOptions


class Trunk(nn.Module):
    """What the tasks share: the encoder and the ASPP, (B, 3, H, W) to (B, C, H/s, W/s)."""

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        kind = DENSE[options.encoder]
        self.encoder = kind.build(options.width, options.stride, options.pretrained)
        self.aspp = ASPP(kind.channels(options.width), options.aspp_channels, options.aspp_rates)

    def forward(self, images: Tensor) -> Tensor:
        """Shared features."""
        features: Tensor = self.aspp(self.encoder(images))
        return features


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> SharedTrunk:
    """The model for the tasks in `channels` (task: width of its head)."""
    heads = {
        task: partial(ConvHead, options.aspp_channels, options.head_channels, width)
        for task, width in channels.items()
    }
    return SharedTrunk(partial(Trunk, options), heads, seed)
