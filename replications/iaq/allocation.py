"""How many bits each patch gets (Park et al., 2025, section III), or at which resolution it is sent
(Mortaheb, Khojastepour and Ulukus, 2024)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

VALUES = (0, 1, 4, 16)
"""Means that are sent of a patch, of a grid of none, 1x1, 2x2 or 4x4 cells."""
_SHARES = (0.25, 0.25, 0.5)
"""Of the budget: for patches sent as 1, 4 and 16 means."""


def incremental(weights: Tensor, budget: int, most: int) -> Tensor:
    """Bits of a pixel for patches of importance (B, N), at most `budget` over all: int64, (B, N).

    One after the other goes where the weighted error, w 4^-b, falls most, which is optimal.
    """
    bits = torch.zeros(weights.shape, dtype=torch.int64, device=weights.device)
    fall = 0.75 * weights.double()
    for _ in range(min(budget, most * weights.shape[1])):
        best = fall.argmax(dim=1, keepdim=True)
        bits.scatter_add_(1, best, torch.ones_like(best))
        quarter = fall.gather(1, best) / 4
        full = bits.gather(1, best) == most
        fall.scatter_(1, best, torch.where(full, -1.0, quarter))
    return bits


def water_filling(weights: Tensor, budget: int, most: int) -> Tensor:
    """The same by the formula for real numbers, b = 1/2 log2(w / level) where that is above 0,
    rounded down, with the level found by halving."""
    logs = weights.double().clamp(min=1e-12).log2()
    low, high = logs.min(dim=1).values - 2 * most - 1, logs.max(dim=1).values

    def poured(level: Tensor) -> Tensor:
        return ((logs - level[:, None]) / 2).floor().clamp(0, most)

    for _ in range(40):
        middle = (low + high) / 2
        over = poured(middle).sum(dim=1) > budget
        low, high = torch.where(over, middle, low), torch.where(over, high, middle)
    return poured(high).long()


def uniform(weights: Tensor, budget: int, most: int) -> Tensor:
    """The same number for all patches, and one more for as many as the budget leaves, evenly over
    the picture."""
    count = weights.shape[1]
    each, left = divmod(min(budget, most * count), count)
    bits = torch.full(weights.shape, each, dtype=torch.int64, device=weights.device)
    bits[:, torch.arange(left) * count // max(1, left)] += 1
    return bits


def resolutions(weights: Tensor, budget: int, depth: int) -> Tensor:
    """How many means of each patch are sent, of `VALUES`, with `depth` bits each: half of the
    budget for the most important patches as 4x4 cells, a quarter for the next as 2x2, the rest for
    others as one."""
    rank = weights.argsort(dim=1, descending=True).argsort(dim=1)
    values = torch.zeros(weights.shape, dtype=torch.int64, device=weights.device)
    start = 0
    for number, share in zip(VALUES[:0:-1], _SHARES[::-1], strict=True):
        end = start + math.floor(budget * share / (number * depth))
        values[(rank >= start) & (rank < end)] = number
        start = end
    return values


def mask(weights: Tensor, budget: int, depth: int) -> Tensor:
    """Likewise with whole patches or none of them."""
    rank = weights.argsort(dim=1, descending=True).argsort(dim=1)
    sent = rank < budget // (VALUES[-1] * depth)
    return torch.where(sent, VALUES[-1], 0)
