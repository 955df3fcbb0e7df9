"""The network of Nash-MTL's experiments on scenes: MTAN on SegNet (MTAN-SegNet)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from replications.core.nets.shared_trunk import SharedTrunk
from replications.nash_mtl.attention import AttentionHead, PlainHead
from replications.nash_mtl.options import ModelOptions
from replications.nash_mtl.segnet import SegNet


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> SharedTrunk:
    """The model for the tasks in `channels` (task: width of its head)."""
    head = AttentionHead if options.attention else PlainHead
    heads = {task: partial(head, options, width) for task, width in channels.items()}
    return SharedTrunk(partial(SegNet, options), heads, seed)
