"""Boundaries between semantic classes: balanced cross entropy; F-measure at the best threshold."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.data.labels import VOID, Array
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.core.tasks.edges.options import EdgesOptions

_THRESHOLDS = np.linspace(0.05, 0.95, 19)


def semantic_boundaries(semseg: Tensor) -> tuple[Tensor, Tensor]:
    """Boundary and known pixels, (B, H, W) bool each, of class ids (B, H, W).

    A pixel is on a boundary where its class differs from that of the pixel to its right or below,
    so that boundaries are one pixel wide. Against void there is none.
    """
    known = semseg != VOID
    boundary = torch.zeros_like(known)
    for dim in (1, 2):
        last = semseg.shape[dim] - 1
        here, there = semseg.narrow(dim, 0, last), semseg.narrow(dim, 1, last)
        both = known.narrow(dim, 0, last) & known.narrow(dim, 1, last)
        boundary.narrow(dim, 0, last).logical_or_((here != there) & both)
    return boundary, known


def build(name: str, options: EdgesOptions, dataset: Description) -> Edges:
    """The task for a dataset."""
    return Edges(options)


class Edges:
    """Head: the logit of "boundary", (B, 1, H, W).

    The label is derived from `semseg` after augmentation, which costs next to nothing and keeps
    boundaries one pixel wide where an image is enlarged.
    """

    name = "edges"
    labels = frozenset({"semseg"})
    channels = 1
    likelihood: Likelihood = "classification"

    def __init__(self, options: EdgesOptions) -> None:
        self.options = options

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Cross entropy, boundary pixels weighted by w = `positive_weight` and others by 1 - w,
        averaged over the known pixels (Xie and Tu, 2015, equation 2, with w fixed)."""
        boundary, known = semantic_boundaries(labels["semseg"])
        weight = self.options.positive_weight
        logit = prediction[:, 0]
        terms = torch.where(boundary, weight * F.softplus(-logit), (1 - weight) * F.softplus(logit))
        return (terms * known).sum() / known.sum().clamp(min=1)

    def accumulator(self, complete: bool) -> EdgesMetrics:
        """`ods_f`."""
        return EdgesMetrics(self)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Probability of a boundary, (B, H, W)."""
        return torch.sigmoid(prediction[:, 0])

    def shown_truth(self, labels: Labels) -> Tensor:
        """1 on boundaries, 0 elsewhere, (B, H, W)."""
        return semantic_boundaries(labels["semseg"])[0].float()


class EdgesMetrics(Accumulator):
    """F-measure of boundaries at the threshold that is best for the whole split (ODS-F).

    At each threshold the detected region is thinned to lines, detected and true pixels are matched
    one to one within a tolerance, and matches, detections and true pixels are added up over the
    split (Martin, Fowlkes and Malik, PAMI 2004). Differences from BSDS's MATLAB benchmark: 19
    thresholds instead of 99, without interpolation between them; thinning by Zhang and Suen (1984),
    which takes a third of the time; a matching of the most pixels,
    where the benchmark looks for one of least total distance among a sample of the distant pairs;
    the truth is thinned as well, being derived and not drawn; one truth per image; pixels without a
    class are left out. As in the benchmark itself, probabilities are thresholded as they come:
    published results often suppress what is no maximum across the boundary beforehand.
    """

    state = ("matches", "found", "true")

    def __init__(self, task: Edges) -> None:
        self.task = task
        self.matches = np.zeros(len(_THRESHOLDS), np.int64)
        self.found = np.zeros(len(_THRESHOLDS), np.int64)
        self.true = 0

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, 1, H, W) logits and (B, H, W) class ids."""
        boundary, known = (m.cpu().numpy() for m in semantic_boundaries(labels["semseg"]))
        boundary = thinned(boundary)
        probability = torch.sigmoid(prediction[:, 0]).double().cpu().numpy()
        reach = self.task.options.tolerance * math.hypot(*boundary.shape[1:])
        self.true += int(boundary.sum())
        for index, threshold in enumerate(_THRESHOLDS):
            lines = thinned((probability >= threshold) & known)
            self.found[index] += int(lines.sum())
            self.matches[index] += matched(lines, boundary, reach)

    def compute(self) -> dict[str, Metric]:
        """The best F-measure over the thresholds, in percent."""
        if not self.true:
            return {}
        # With precision m / found and recall m / true, F is 2 m / (found + true).
        f = 2 * self.matches / (self.found + self.true)
        return {"ods_f": Metric(100 * float(f.max()), "%", True)}


def thinned(maps: Array) -> Array:
    """Regions of bool maps (B, H, W) thinned to lines one pixel wide (Zhang and Suen, 1984)."""
    from skimage.morphology import skeletonize  # a while to import: only when measuring

    batch, height, width = maps.shape
    # One picture of all maps, a row apart: a call a map takes several times as long.
    apart = np.pad(maps, ((0, 0), (0, 1), (0, 0))).reshape(-1, width)
    lines: Array = skeletonize(apart).reshape(batch, height + 1, width)[:, :-1]
    return lines


def matched(found: Array, true: Array, reach: float) -> int:
    """Pairs in a largest one-to-one matching of the pixels of two bool maps (B, H, W), those of a
    pair in the same map and at most `reach` pixels apart (Hopcroft and Karp, 1973)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    number_found = np.cumsum(found).reshape(found.shape) - 1
    number_true = np.cumsum(true).reshape(true.shape) - 1
    side = range(-math.floor(reach), math.floor(reach) + 1)
    rows, columns = [], []
    for dy, dx in itertools.product(side, side):
        if math.hypot(dy, dx) > reach:
            continue
        here, there = _shifted(found, dy, dx), _shifted(true, -dy, -dx)
        both = found[here] & true[there]
        rows.append(number_found[here][both])
        columns.append(number_true[there][both])
    row, column = np.concatenate(rows), np.concatenate(columns)
    shape = (int(found.sum()), int(true.sum()))
    graph = coo_array((np.ones(len(row), np.int8), (row, column)), shape=shape).tocsr()
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())


def _shifted(maps: Array, dy: int, dx: int) -> tuple[slice, slice, slice]:
    """Where maps (B, H, W) still have a pixel dy rows below and dx columns to the right."""
    height, width = maps.shape[1:]
    return (
        slice(None),
        slice(max(-dy, 0), height - max(dy, 0)),
        slice(max(-dx, 0), width - max(dx, 0)),
    )
