"""Average precision of instance masks at IoU 0.5, as COCO defines it (101 recall points)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from replications.core.data.labels import Array

_RECALLS = np.linspace(0, 1, 101)


@dataclass
class Detections:
    """Scored detections of one class over a split, each already matched or not."""

    scores: list[float] = field(default_factory=list)
    correct: list[bool] = field(default_factory=list)
    n_truths: int = 0

    def add(self, found: Array, scores: list[float], truth: Array, min_pixels: int) -> None:
        """Match one image's detections to its true instances, best score first.

        Arguments:
            found: (H, W) id map of detections; id k has `scores[k - 1]`.
            truth: (H, W) id map of true instances; those below `min_pixels` are ignored, and a
                detection that matches one of them counts neither for nor against.
        """
        sizes = np.bincount(truth.reshape(-1))
        counted = {int(i) for i in np.flatnonzero(sizes) if i and sizes[i] >= min_pixels}
        free = {int(i) for i in np.flatnonzero(sizes) if i}
        self.n_truths += len(counted)
        # A stable sort by the negated score, so that ties keep the detections' order.
        for index in np.argsort([-score for score in scores], kind="stable"):
            pixels = truth[found == index + 1]
            overlap = np.bincount(pixels, minlength=len(sizes))
            union = len(pixels) + sizes - overlap
            iou = {i: overlap[i] / union[i] for i in free if overlap[i]}
            matches = [i for i in iou if iou[i] >= 0.5]
            best = max(matches, key=lambda i: (i in counted, iou[i]), default=None)
            if best is not None:
                free.discard(best)
                if best not in counted:
                    continue
            self.scores.append(scores[index])
            self.correct.append(best is not None)


def average_precision(detections: Detections, recalls: Array = _RECALLS) -> float:
    """Mean over `recalls` of the best precision at that recall or above, in [0, 1]."""
    order = np.argsort([-score for score in detections.scores], kind="stable")
    correct = np.array(detections.correct, bool)[order]
    hits = np.cumsum(correct)
    recall = hits / max(detections.n_truths, 1)
    precision = hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    positions = np.searchsorted(recall, recalls, side="left")
    return float(np.append(envelope, 0.0)[np.minimum(positions, len(hits))].mean())
