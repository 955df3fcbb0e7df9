"""Where an attention module looks into a stage: in front of its last block, and behind it."""

from __future__ import annotations

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
    u = last.first(x)
    return u, last.second(x, u)


def _blocks(stage: nn.Module) -> list[nn.Module]:
    """What a stage is made of, one after the other."""
    if not isinstance(stage, nn.Sequential):
        return [stage]
    *front, last = stage.children()
    return [*front, *_blocks(last)]
