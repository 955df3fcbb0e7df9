"""Residual blocks that may be skipped."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from replications.core.nets.encoders import BasicBlock

Selection = Sequence[Tensor | bool]
"""Of every block that may be skipped whether it is selected, or how much, in [0, 1]."""


class Choice:
    """What is selected at the moment."""

    selection: Selection = ()


class Selectable(nn.Module):
    """A residual block of which only the shortcut is taken where it is not selected."""

    def __init__(self, block: nn.Module, index: int, choice: Choice) -> None:
        super().__init__()
        self.block, self.index, self.choice = block, index, choice

    def forward(self, x: Tensor) -> Tensor:
        """As the block's; in between, a mixture of both ways."""
        selected = self.choice.selection[self.index]
        if selected is True:
            whole: Tensor = self.block(x)
            return whole
        skipped = _shortcut(self.block, x)
        if selected is False:
            return skipped
        mixed: Tensor = selected * self.block(x) + (1 - selected) * skipped
        return mixed


def selectable(module: nn.Module, choice: Choice, begin: int = 0) -> int:
    """Let the residual blocks of a module be skipped, numbered from `begin` on; returns the next
    number."""
    for name, child in module.named_children():
        if _has_shortcut(child):
            setattr(module, name, Selectable(child, begin, choice))
            begin += 1
        else:
            begin = selectable(child, choice, begin)
    return begin


def _has_shortcut(block: nn.Module) -> bool:
    """Of ours and torchvision's blocks, those whose input has a way around them."""
    return (
        isinstance(block, BasicBlock)
        or type(block).__name__ == "BasicBlock"
        or bool(getattr(block, "use_res_connect", False))
    )


def _shortcut(block: nn.Module, x: Tensor) -> Tensor:
    """What a block makes of its input without its convolutions."""
    if isinstance(block, BasicBlock):
        return block.around(x)
    if type(block).__name__ == "BasicBlock":
        around = getattr(block, "downsample", None)
        return x if around is None else around(x)
    return x
