"""Layers that are normalised as the modulation under way is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn


class SwitchedNorm(nn.Module):
    """Batch norms of so many channels, one of which works at a time (Huh et al., 2025; switchable
    batch norm, Yu et al., ICLR 2019)."""

    def __init__(self, channels: int, count: int, affine: bool = True) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels, affine=affine) for _ in range(count))
        self.active = 0

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        found: Tensor = self.norms[min(self.active, len(self.norms) - 1)](features)
        return found


@contextmanager
def switched(module: nn.Module, index: int) -> Iterator[None]:
    """Every such norm inside a module works for the modulation with that index."""
    norms = [own for own in module.modules() if isinstance(own, SwitchedNorm)]
    for own in norms:
        own.active = index
    yield
    for own in norms:
        own.active = 0
