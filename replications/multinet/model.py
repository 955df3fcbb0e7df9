"""The network of MultiNet: one encoder, and a decoder per task on its grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import nn

from replications.core.nets.fcn import FCN8s
from replications.core.nets.registry.pyramid import PYRAMIDS
from replications.core.nets.shared_trunk import SharedTrunk
from replications.multinet.decoders import ClassificationDecoder, DetectionDecoder
from replications.multinet.options import ModelOptions


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> SharedTrunk:
    """The model for the tasks in `channels` (task: width of its head)."""
    kind = PYRAMIDS[options.encoder]
    encoder = partial(kind.build, options.width, options.stride, options.pretrained)
    maps = kind.maps(options.width, options.stride)
    decoders: dict[str, Callable[[int], nn.Module]] = {
        "road": lambda outputs: FCN8s(maps, outputs),
        "vehicles": lambda outputs: DetectionDecoder(maps, options),
        "scene": lambda outputs: ClassificationDecoder(maps.channels[-1], outputs, options),
    }
    heads = {task: partial(decoders[task], width) for task, width in channels.items()}
    return SharedTrunk(encoder, heads, seed)
