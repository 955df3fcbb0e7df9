"""Where an attention module looks into a stage: in front of its last block, and behind it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from replications.core.nets.encoders import BasicBlock


def through(stage: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The inner features u and the output p of a stage, of equal size and channels.

    u is what the last block of the stage is fed with; where that block is the only one, as in the
    thin encoder, what its second convolution is fed with.
    """
    *front, last = _blocks(stage)
    for block in front:
        x = block(x)
    if not isinstance(last, BasicBlock):
        return x, last(x)
    u = F.relu(last.bn1(last.conv1(x)))
    picked = x[..., :: last.stride, :: last.stride]  # as the block has it
    return u, F.relu(last.bn2(last.conv2(u)) + last.shortcut(picked))


def _blocks(stage: nn.Module) -> list[nn.Module]:
    """What a stage is made of, one after the other."""
    if not isinstance(stage, nn.Sequential):
        return [stage]
    *front, last = stage.children()
    return [*front, *_blocks(last)]
