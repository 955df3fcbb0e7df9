"""The loss of a set of things (Carion et al., ECCV 2020, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.mask_rcnn.objects.task import Things, area, assigned

_L1, _GIOU, _NOTHING = 5.0, 2.0, 0.1
"""Weights of the paper: of the distance of boxes, of their overlap, and of the class `none`."""


def set_loss(
    classes: Tensor, boxes: Tensor, there: Sequence[Things], size: Sequence[int]
) -> Tensor:
    """Every thing is assigned one query, so that the whole costs least; then cross entropy of all
    queries, and of those that have a thing the L1 distance of boxes and their generalised overlap.

    Arguments:
        classes: logits, (B, Q, C + 1), the last of none.
        boxes: x1, y1, x2, y2 in pixels, (B, Q, 4).
        size: of the picture, (H, W), by which distances are divided.
    """
    limits = boxes.new_tensor([size[1], size[0], size[1], size[0]])
    nothing = classes.shape[2] - 1
    wanted = torch.full(classes.shape[:2], nothing, device=classes.device)
    distance, overlap, count = boxes.sum() * 0, boxes.sum() * 0, 0
    for row, things in enumerate(there):
        kept = ~things.tiny
        truth, kinds = things.boxes[kept], things.classes[kept]
        if not len(truth):
            continue
        with torch.no_grad():
            cost = -classes[row].softmax(dim=1)[:, kinds]
            cost = cost + _L1 * torch.cdist(boxes[row] / limits, truth / limits, p=1)
            cost = cost - _GIOU * giou(boxes[row][:, None], truth[None])
        chosen, things_of = assigned(cost)
        wanted[row, chosen] = kinds[things_of]
        own, aim = boxes[row, chosen], truth[things_of]
        distance = distance + ((own - aim) / limits).abs().sum()
        overlap = overlap + (1 - giou(own, aim)).sum()
        count += len(aim)
    weight = classes.new_ones(nothing + 1)
    weight[nothing] = _NOTHING
    of_classes = F.cross_entropy(classes.flatten(0, 1), wanted.flatten(), weight)
    return of_classes + (_L1 * distance + _GIOU * overlap) / max(1, count)


def giou(one: Tensor, other: Tensor) -> Tensor:
    """Generalised overlap (Rezatofighi et al., CVPR 2019) of boxes (..., 4) that belong together:
    the overlap, less the share of the box around both that neither covers."""
    low = torch.maximum(one[..., :2], other[..., :2])
    high = torch.minimum(one[..., 2:], other[..., 2:])
    common = (high - low).clamp(min=0).prod(dim=-1)
    union = area(one) + area(other) - common
    outer = torch.maximum(one[..., 2:], other[..., 2:]) - torch.minimum(
        one[..., :2], other[..., :2]
    )
    around = outer.prod(dim=-1)
    return common / union - (around - union) / around
