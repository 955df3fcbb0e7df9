"""The labels that datasets of pictures share: names, types, invalid values. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
VOID = 255
"""Semantic pixels that count for nothing."""

BOX_FIELDS = ("x1", "y1", "x2", "y2", "class", "occlusion", "truncation", "height")
"""Columns of the `boxes` array; pixels, index into the classes of boxes, KITTI's levels."""


@dataclass(frozen=True)
class Frame:
    """One image and its labels as numpy arrays.

    Attributes:
        key: Name of the frame, for errors.
        image: uint8, (3, H, W), RGB.
        semseg: uint8, (H, W), class ids, 255 void.
        instances: uint16, (H, W), 0 none.
        depth: float32, (H, W), metres along the optical axis, 0 invalid.
        normals: int8, (3, H, W), 127 times the unit normal (x right, y down, z forward), 0 invalid.
        boxes: float32, (M, 8), see `BOX_FIELDS`.
        scene: index into the dataset's scenes.
    """

    key: str
    image: Array
    semseg: Array
    instances: Array
    depth: Array
    normals: Array
    boxes: Array
    scene: int


def check_frame(frame: Frame, n_classes: int, things: tuple[int, ...]) -> list[str]:
    """What is wrong with a frame's labels; an empty list when nothing is.

    Checks shapes, ranges, and that labels agree: instances only and everywhere on the thing
    classes, depth and normals valid on the same pixels, boxes inside the image.
    """
    height, width = frame.image.shape[1:]
    problems = []
    for name in ("semseg", "instances", "depth"):
        shape = getattr(frame, name).shape
        if shape != (height, width):
            problems.append(f"{name} is {shape}, the image {(height, width)}")
    if frame.normals.shape != (3, height, width):
        problems.append(f"normals are {frame.normals.shape}, the image {(height, width)}")
    if problems:
        return problems
    unknown = set(np.unique(frame.semseg).tolist()) - set(range(n_classes)) - {VOID}
    if unknown:
        problems.append(f"semseg has ids {sorted(unknown)}; allowed: 0-{n_classes - 1} and {VOID}")
    on_things = np.isin(frame.semseg, things)
    if not np.array_equal(on_things, frame.instances > 0):
        problems.append("instances do not cover just the person and vehicle pixels")
    valid = frame.depth > 0
    if not np.isfinite(frame.depth).all() or (frame.depth < 0).any():
        problems.append("depth has values that are not finite or below 0")
    lengths = np.linalg.norm(frame.normals.astype(np.float32), axis=0) / 127
    if (np.abs(lengths[lengths > 0] - 1) > 0.02).any():
        problems.append("normals are not unit vectors")
    if (valid & (lengths == 0)).any():
        problems.append("normals are missing where depth is valid")
    x1, y1, x2, y2 = frame.boxes[:, :4].T
    inside = (x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height) & (x1 < x2) & (y1 < y2)
    if not inside.all():
        problems.append(f"box {int(np.argmin(inside))} is empty or leaves the image")
    return problems
