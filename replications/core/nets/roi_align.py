"""RoI alignment (He et al., 2017) that is deterministic on CUDA too."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor


def roi_align(features: Tensor, boxes: Tensor, size: tuple[int, int], bins: int) -> Tensor:
    """Features at the centres of bins x bins equal parts of each box, (B, N, C, bins, bins).

    The values of `torchvision.ops.roi_align` with one sample per bin and `aligned=True`, whose
    backward pass adds in no fixed order on CUDA; that of a selection of rows does not, once torch
    is told to be deterministic. As there, no gradient reaches the boxes, and a sample more than a
    pixel outside the map is zero.

    Arguments:
        features: (B, C, H, W).
        boxes: (B, N, 4) x1, y1, x2, y2 in pixels of the image.
        size: (H, W) of the image.
        bins: parts per side.
    """
    batch, channels, height, width = features.shape
    boxes = boxes.detach().float()
    at = (torch.arange(bins, device=boxes.device) + 0.5) / bins
    low, side = boxes[..., :2, None], (boxes[..., 2:] - boxes[..., :2])[..., None]
    position = low + side * at  # (B, N, 2, bins): x, y
    x, y = (
        _neighbours(position[:, :, axis] * length / of - 0.5, length)
        for axis, (length, of) in enumerate(((width, size[1]), (height, size[0])))
    )
    rows = features.permute(0, 2, 3, 1).reshape(-1, channels)
    first = torch.arange(batch, device=boxes.device).view(-1, 1, 1, 1) * (height * width)
    pairs = list(itertools.product(y, x))
    index = torch.stack(
        [first + i[..., :, None] * width + j[..., None, :] for (i, _), (j, _) in pairs]
    )
    weight = torch.stack([v[..., :, None] * u[..., None, :] for (_, v), (_, u) in pairs])
    # All four at once: a selection's gradient is a map of the size of all features.
    values = rows.index_select(0, index.flatten()).view(*index.shape, channels)
    return (values * weight[..., None].to(values.dtype)).sum(dim=0).permute(0, 1, 4, 2, 3)


def _neighbours(position: Tensor, length: int) -> list[tuple[Tensor, Tensor]]:
    """Index and weight of the two pixels each position (in pixels) lies between."""
    inside = (position >= -1) & (position <= length)
    # Of a network that has diverged a position is NaN, which is no index; its weight is zero.
    position = position.nan_to_num(0.0).clamp(0, length - 1)
    low = position.floor().long()
    high = (low + 1).clamp(max=length - 1)
    fraction = position - low
    return [(low, (1 - fraction) * inside), (high, fraction * inside)]
