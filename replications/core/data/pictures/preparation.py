"""Frames reduced in size and stacked into the arrays of a dataset of pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from replications.core.data.labels import Array, Frame


def reduced(frame: Frame, factor: int) -> Frame:
    """The frame at 1/`factor` of its size: image averaged, labels of the centre pixel kept."""
    if factor == 1:
        return frame
    _, height, width = frame.image.shape
    blocks = frame.image.reshape(3, height // factor, factor, width // factor, factor)
    mean = blocks.astype(np.float32).mean(axis=(2, 4))
    pick = np.s_[..., factor // 2 :: factor, factor // 2 :: factor]
    boxes = frame.boxes.copy()
    boxes[:, [0, 1, 2, 3, 7]] /= factor
    return picked(frame, np.rint(mean).astype(np.uint8), boxes, pick)


def picked(frame: Frame, image: Array, boxes: Array, pick: Any) -> Frame:
    """The frame with another image and boxes, and of its maps the pixels that an index picks."""
    maps = ("semseg", "instances", "depth", "normals")
    return replace(
        frame, image=image, boxes=boxes, **{name: getattr(frame, name)[pick] for name in maps}
    )


def stacked(frames: list[Frame]) -> dict[str, Array]:
    """Arrays over frames; boxes padded with rows of -1."""
    names = ("image", "semseg", "instances", "depth", "normals")
    arrays: dict[str, Any] = {
        name: np.stack([getattr(frame, name) for frame in frames]) for name in names
    }
    most = max(len(frame.boxes) for frame in frames)
    boxes = np.full((len(frames), most, 8), -1, np.float32)
    for row, frame in zip(boxes, frames, strict=True):
        row[: len(frame.boxes)] = frame.boxes
    arrays["boxes"] = boxes
    arrays["scene"] = np.array([frame.scene for frame in frames], np.int64)
    arrays["instances"] = arrays["instances"].astype(np.int16)
    return arrays
