"""Average precision of boxes by the rules of KITTI's object benchmark (Geiger et al., CVPR 2012).

For the class Car: objects of the neighbouring class Van, and cars too small, too occluded or too
truncated for a difficulty, count neither for nor against; nor do detections that lie in a DontCare
area or are smaller than the difficulty's least height. Every other detection is right if it
overlaps a free car by more than the IoU asked for, and otherwise wrong; so is one on a truck.

The devkit samples precision at 41 recalls 0, 1/40, ..., 1. The MultiNet authors' evaluation
averages all 41 (`AUTHORS`); KITTI, since 2019, the 40 without recall 0 (`OFFICIAL`). The devkit
takes the precision at the score thresholds nearest to these recalls, which yields fewer thresholds
than samples, and less than 1 for a perfect result, where there are fewer objects than samples.
Here precision is taken at the recalls themselves, as in PASCAL VOC and COCO: the same for many
objects, and right for few. Detections are matched in order of their score, once, which counts as
many hits and misses as the devkit's matching at every threshold does, but for chains of
overlapping objects; `tests/test_detection.py` compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replications.core.data.labels import Array
from replications.core.tasks.average_precision import Detections

KITTI_HEIGHT = 375
"""Rows of KITTI's images, for which the least heights are stated."""
# Less a rounding error, so that 3 of 40 reaches the recall 3/40.
AUTHORS = np.linspace(0, 1, 41) - 1e-9
OFFICIAL = AUTHORS[1:]


@dataclass(frozen=True)
class Difficulty:
    """Which cars count: least height in pixels of KITTI's images, most occlusion, truncation."""

    height: float
    occlusion: int
    truncation: float


DIFFICULTIES = {
    "easy": Difficulty(40, 0, 0.15),
    "moderate": Difficulty(25, 1, 0.30),
    "hard": Difficulty(25, 2, 0.50),
}


@dataclass(frozen=True)
class Truth:
    """What is to be found in one image.

    Attributes:
        boxes: (M, 8), columns of `labels.BOX_FIELDS`; cars and vans only.
        cars: (M,) bool, whether a box is a car rather than a van.
        areas: (K, 4), DontCare areas, x1, y1, x2, y2.
    """

    boxes: Array
    cars: Array
    areas: Array


def intersections(a: Array, b: Array) -> Array:
    """(N, M) areas that boxes (N, 4+) and (M, 4+) share; columns x1, y1, x2, y2."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    sides = np.clip(high - low, 0, None)
    product: Array = sides[..., 0] * sides[..., 1]
    return product


def box_areas(boxes: Array) -> Array:
    """(N,) areas of boxes (N, 4+)."""
    areas: Array = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def add_image(
    detections: Detections,
    found: Array,
    scores: Array,
    truth: Truth,
    difficulty: Difficulty,
    min_iou: float,
    scale: float = 1.0,
) -> None:
    """Match the detections of one image, best score first, and add them.

    Arguments:
        detections: what is added to.
        found: (N, 4) detected boxes x1, y1, x2, y2.
        scores: (N,).
        truth: what is to be found.
        difficulty: which cars count.
        min_iou: overlap to exceed.
        scale: height of the image over that of KITTI's; the least height is multiplied by it.
    """
    least = difficulty.height * scale
    boxes = truth.boxes
    sizeable = boxes[:, 3] - boxes[:, 1] >= least
    seen = (boxes[:, 5] <= difficulty.occlusion) & (boxes[:, 6] <= difficulty.truncation)
    counted = np.logical_and.reduce([truth.cars, sizeable, seen])
    detections.n_truths += int(counted.sum())
    shared = intersections(found, boxes)
    sizes = box_areas(found)
    iou = shared / np.maximum(sizes[:, None] + box_areas(boxes)[None] - shared, 1e-12)
    covered = intersections(found, truth.areas) / np.maximum(sizes[:, None], 1e-12)
    in_area = np.any(covered > min_iou, axis=1)
    tall: Array = found[:, 3] - found[:, 1] >= least
    free: Array = np.ones(len(boxes), bool)
    # Equal scores are ordered by position, so that the order of the detections never matters.
    for index in np.lexsort((*found.T, -scores)):
        if not tall[index]:
            continue
        # Of the boxes that fit, one that counts before one that does not, then the best overlap.
        rank = np.where(free & (iou[index] > min_iou), iou[index] + counted, 0.0)
        best = int(rank.argmax()) if rank.any() else None
        if best is not None:
            free[best] = False
            if not counted[best]:
                continue
        elif in_area[index]:
            continue
        detections.scores.append(float(scores[index]))
        detections.correct.append(best is not None)
