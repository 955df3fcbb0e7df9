"""The network: one encoder, and a convolutional head per task."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from replications.core.nets.decoders import ConvHead
from replications.core.nets.encoders import ThinResNet
from replications.core.nets.shared_trunk import SharedTrunk
from replications.NAME.options import ModelOptions


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> SharedTrunk:
    """The model for the tasks in `channels` (task: width of its head)."""
    heads = {
        task: partial(ConvHead, 8 * options.width, options.head_channels, width)
        for task, width in channels.items()
    }
    return SharedTrunk(partial(ThinResNet, options.width), heads, seed)
