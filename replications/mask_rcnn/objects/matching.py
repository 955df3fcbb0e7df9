"""COCO's average precision: detections matched to what is there, picture by picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from replications.core.data.labels import Array

IOUS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Matched:
    """The detections of one class in one picture.

    Attributes:
        scores: (D,), falling.
        right: bool, (T, D), which of them match something at each of `IOUS`.
        ignored: bool, (T, D), which count neither for nor against.
        there: how many things of the class there are to be found.
    """

    scores: Array
    right: Array
    ignored: Array
    there: int


def matched(iou: Array, scores: Array, outside: Array, passed_over: Array) -> Matched:
    """Match the detections of a class in a picture, best score first.

    At each of `IOUS` a detection takes the thing, of those not taken, with which it overlaps most,
    if that is enough; one that counts before one that does not.

    Arguments:
        iou: (D, G), of detections and things.
        scores: (D,).
        outside: bool, (D,), detections that would be ignored if they matched nothing, since they
            are not of the size that is asked about.
        passed_over: bool, (G,), things that are not to be found.
    """
    order = np.argsort(-scores, kind="stable")
    iou, outside = iou[order], outside[order]
    shape = (len(IOUS), len(order))
    right, ignored = np.zeros(shape, bool), np.zeros(shape, bool)
    for level, least in enumerate(IOUS):
        free = np.ones(len(passed_over), bool)
        for row, overlaps in enumerate(iou):
            for candidates in (free & ~passed_over, free & passed_over):
                fitting = np.where(candidates, overlaps, -1.0)
                best = int(fitting.argmax()) if len(fitting) else 0
                if len(fitting) and fitting[best] >= least:
                    free[best] = False
                    right[level, row] = not passed_over[best]
                    ignored[level, row] = passed_over[best]
                    break
            else:
                ignored[level, row] = outside[row]
    return Matched(scores[order], right, ignored, int((~passed_over).sum()))


def precision(pictures: Sequence[Matched]) -> Array | None:
    """Average precision at each of `IOUS`, (T,), over 101 recalls; None where nothing is there."""
    there = sum(own.there for own in pictures)
    if not there:
        return None
    scores = np.concatenate([own.scores for own in pictures])
    order = np.argsort(-scores, kind="stable")
    right = np.concatenate([own.right for own in pictures], axis=1)[:, order]
    counted = ~np.concatenate([own.ignored for own in pictures], axis=1)[:, order]
    found = np.zeros(len(IOUS))
    for level, (hit, counts) in enumerate(zip(right, counted, strict=True)):
        hits = np.cumsum(hit[counts])
        share = hits / np.arange(1, len(hits) + 1)
        envelope = np.maximum.accumulate(share[::-1])[::-1]
        places = np.searchsorted(hits / there, _RECALLS, side="left")
        found[level] = np.append(envelope, 0.0)[np.minimum(places, len(hits))].mean()
    return found
