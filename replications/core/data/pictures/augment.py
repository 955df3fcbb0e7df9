"""Augmentation of whole batches on the device, the same for single- and multi-task training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from replications.core.data.batches import Batch
from replications.core.errors import StudyError


def augment(batch: Batch, flip: bool, zoom: Sequence[float], seed: int, step: int) -> Batch:
    """Augment a batch; what happens depends on the seed and the step alone, not on the tasks."""
    generator = torch.Generator().manual_seed(seed * 2_000_003 + step)
    if flip:
        mirror = torch.rand(len(batch), generator=generator) < 0.5
        batch = flipped(batch, mirror.to(batch.inputs.device))
    if max(zoom) > 1:
        drawn = torch.randint(len(zoom), (len(batch),), generator=generator)
        corner = torch.rand(len(batch), 2, generator=generator)
        factor = torch.tensor(zoom)[drawn]
        batch = zoomed(batch, factor.to(batch.inputs.device), corner.to(batch.inputs.device))
    return batch


def flipped(batch: Batch, mirror: Tensor) -> Batch:
    """Mirror the samples where `mirror` (bool, (B,)) is true, left to right.

    The x component of `normals` changes sign, `boxes` exchange and reflect x1 and x2; padding
    rows of boxes (-1) stay.
    """
    labels = {}
    for name, values in batch.labels.items():
        if name == "boxes":
            labels[name] = _where(mirror, _flipped_boxes(values, batch.inputs.shape[-1]), values)
        elif name == "normals":
            sign = torch.tensor([-1.0, 1.0, 1.0], device=values.device).view(1, 3, 1, 1)
            labels[name] = _where(mirror, values.flip(-1) * sign, values)
        elif values.dim() >= 3:
            labels[name] = _where(mirror, values.flip(-1), values)
        else:
            labels[name] = values
    images = _where(mirror, batch.inputs.flip(-1), batch.inputs)
    return Batch(images.contiguous(memory_format=torch.channels_last), labels)


def zoomed(batch: Batch, factor: Tensor, corner: Tensor) -> Batch:
    """Enlarge sample b by `factor[b]` >= 1 (float, (B,)) and keep a window of the original size.

    `corner` (float, (B, 2), in [0, 1]) is the window's place between top and bottom, left and
    right. Images are interpolated bilinearly, labels take the nearest pixel, and depth is divided
    by the factor: what looks larger is nearer (Eigen et al., 2014).

    Raises:
        StudyError: the batch carries boxes, which would have to be cut at the window.
    """
    if "boxes" in batch.labels:
        raise StudyError("zoom, of data, cannot be used with a task that needs boxes; remove it")
    height, width = batch.inputs.shape[-2:]
    rows = _source(height, factor, corner[:, 0])
    columns = _source(width, factor, corner[:, 1])
    labels = {}
    for name, values in batch.labels.items():
        if values.dim() >= 3:
            values = _picked(values, rows.floor().long(), columns.floor().long())
            if name == "depth":
                values = values / factor.view(-1, 1, 1)
        labels[name] = values
    images = _interpolated(batch.inputs, rows - 0.5, columns - 0.5)
    return Batch(images.contiguous(memory_format=torch.channels_last), labels)


def _source(length: int, factor: Tensor, corner: Tensor) -> Tensor:
    """Where the centre of each pixel of the window lies in the original, (B, length)."""
    centres = torch.arange(length, device=factor.device) + 0.5
    first = corner * (length - length / factor)
    return first[:, None] + centres / factor[:, None]


def _picked(maps: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pixels of (B, ..., H, W) at rows (B, H) and columns (B, W)."""
    rows = rows.view(len(maps), *[1] * (maps.dim() - 3), -1, 1).expand(maps.shape)
    columns = columns.view(len(maps), *[1] * (maps.dim() - 3), 1, -1).expand(maps.shape)
    return maps.gather(-2, rows).gather(-1, columns)


def _interpolated(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Bilinear interpolation of (B, C, H, W) at rows (B, H) and columns (B, W), edges repeated."""
    height, width = images.shape[-2:]
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    top, left = rows.floor().long(), columns.floor().long()
    down, right = (rows - top)[:, None, :, None], (columns - left)[:, None, None, :]
    bottom, last = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    upper = torch.lerp(_picked(images, top, left), _picked(images, top, last), right)
    lower = torch.lerp(_picked(images, bottom, left), _picked(images, bottom, last), right)
    return torch.lerp(upper, lower, down)


def _where(mirror: Tensor, changed: Tensor, unchanged: Tensor) -> Tensor:
    return torch.where(mirror.view(-1, *[1] * (changed.dim() - 1)), changed, unchanged)


def _flipped_boxes(boxes: Tensor, width: int) -> Tensor:
    result = boxes.clone()
    result[..., 0], result[..., 2] = width - boxes[..., 2], width - boxes[..., 0]
    return torch.where(boxes[..., :1] >= 0, result, boxes)
