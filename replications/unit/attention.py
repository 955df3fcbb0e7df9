"""Attention (Vaswani et al., NeurIPS 2017), written out, so that its operations are counted."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Several heads of scaled dot products (equations 1 and those of section 3.2.2)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, x: Tensor, memory: Tensor, hidden: Tensor | None = None) -> Tensor:
        """(B, N, D) asks (B, M, D); `hidden`: bool, (B, M), what is not there."""
        q, k, v = (
            layer(own).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer, own in ((self.query, x), (self.key, memory), (self.value, memory))
        )
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
        if hidden is not None:
            scores = scores.masked_fill(hidden[:, None, None], -torch.inf)
        found: Tensor = self.out((scores.softmax(dim=3) @ v).transpose(1, 2).flatten(2))
        return found


class Block(nn.Module):
    """Attention to itself, to a memory if there is one, and two layers for each place; each on what
    is normalised before, and added."""

    def __init__(self, dim: int, heads: int, asks: bool) -> None:
        super().__init__()
        self.itself, self.first = Attention(dim, heads), nn.LayerNorm(dim)
        self.memory = Attention(dim, heads) if asks else None
        self.second = nn.LayerNorm(dim) if asks else None
        self.third = nn.LayerNorm(dim)
        self.wide, self.narrow = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, hidden: Tensor | None = None
    ) -> Tensor:
        """(B, N, D), asking (B, M, D). `hidden`: bool, what is not there, of the memory, (B, M), or
        without one of the input, (B, N)."""
        y = self.first(x)
        x = x + self.itself(y, y, hidden if self.memory is None else None)
        if self.memory is not None and self.second is not None and memory is not None:
            x = x + self.memory(self.second(x), memory, hidden)
        found: Tensor = x + self.narrow(F.relu(self.wide(self.third(x))))
        return found
