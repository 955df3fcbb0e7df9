"""Augmentation of whole batches on the device, the same for single- and multi-task training."""

from __future__ import annotations

import torch
from torch import Tensor

from replications.core.data.batches import Batch
from replications.core.spec import Augmentation


def augment(batch: Batch, options: Augmentation, seed: int, step: int) -> Batch:
    """Augment a batch; what happens depends on the seed and the step alone, not on the tasks."""
    generator = torch.Generator().manual_seed(seed * 2_000_003 + step)
    if options.flip:
        mirror = torch.rand(len(batch), generator=generator) < 0.5
        batch = flipped(batch, mirror.to(batch.images.device))
    return batch


def flipped(batch: Batch, mirror: Tensor) -> Batch:
    """Mirror the samples where `mirror` (bool, (B,)) is true, left to right.

    The x component of `normals` changes sign, `boxes` exchange and reflect x1 and x2; padding
    rows of boxes (-1) stay.
    """
    labels = {}
    for name, values in batch.labels.items():
        if name == "boxes":
            labels[name] = _where(mirror, _flipped_boxes(values, batch.images.shape[-1]), values)
        elif name == "normals":
            sign = torch.tensor([-1.0, 1.0, 1.0], device=values.device).view(1, 3, 1, 1)
            labels[name] = _where(mirror, values.flip(-1) * sign, values)
        elif values.dim() >= 3:
            labels[name] = _where(mirror, values.flip(-1), values)
        else:
            labels[name] = values
    images = _where(mirror, batch.images.flip(-1), batch.images)
    return Batch(images.contiguous(memory_format=torch.channels_last), labels)


def _where(mirror: Tensor, changed: Tensor, unchanged: Tensor) -> Tensor:
    return torch.where(mirror.view(-1, *[1] * (changed.dim() - 1)), changed, unchanged)


def _flipped_boxes(boxes: Tensor, width: int) -> Tensor:
    result = boxes.clone()
    result[..., 0], result[..., 2] = width - boxes[..., 2], width - boxes[..., 0]
    return torch.where(boxes[..., :1] >= 0, result, boxes)
