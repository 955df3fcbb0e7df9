"""Bilinear upsampling as two matrix products: deterministic on CUDA in both directions."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


def bilinear(features: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) to (B, C, *size); the values of `F.interpolate` without aligned corners.

    The backward pass of `F.interpolate` adds in no fixed order on CUDA; a product does not.
    """
    if features.shape[-2:] == size:
        return features
    rows = _weights(features.shape[-2], size[0], features.dtype, features.device)
    columns = _weights(features.shape[-1], size[1], features.dtype, features.device)
    # Channels-last features would give a product, and every operator after it, in that order.
    return rows @ (features.contiguous() @ columns.T)


@lru_cache(maxsize=64)
def _weights(source: int, target: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(target, source) interpolation matrix."""
    centre = (torch.arange(target, dtype=torch.float64) + 0.5) * source / target - 0.5
    centre = centre.clamp(min=0)
    low = centre.floor().long().clamp(max=source - 1)
    high = (low + 1).clamp(max=source - 1)
    fraction = centre - low
    matrix = torch.zeros(target, source, dtype=torch.float64)
    index = torch.arange(target)
    matrix[index, low] += 1 - fraction
    matrix[index, high] += fraction
    return matrix.to(device=device, dtype=dtype)
