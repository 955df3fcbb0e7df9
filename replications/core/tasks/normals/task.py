"""Surface normals, unit vectors in the camera's frame: cosine or L1 loss, angles in degrees."""

from __future__ import annotations

import torch
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.core.tasks.normals.options import NormalsOptions

_WITHIN = (11.25, 22.5, 30.0)
_BINS = 18_000
"""Of a hundredth of a degree each, which medians are read from."""


def build(name: str, options: NormalsOptions, dataset: Description) -> Normals:
    """The task for a dataset."""
    return Normals(options)


class Normals:
    """Head: one vector per pixel, (B, 3, H, W), of any length; its direction is the prediction."""

    name = "normals"
    labels = frozenset({"normals"})
    channels = 3
    likelihood: Likelihood = "regression"

    def __init__(self, options: NormalsOptions) -> None:
        self.form = options.loss

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Over valid pixels, the mean of 1 - cosine (Navon et al., 2022) or of the absolute
        difference per component between the unit vectors (Vandenhende et al., 2020)."""
        truth = labels["normals"]
        valid = _valid(truth)
        unit = _unit(prediction)
        if self.form == "cosine":
            error = 1 - (unit * truth).sum(dim=1)
        else:
            error = (unit - truth).abs().mean(dim=1)
        return (error * valid).sum() / valid.sum().clamp(min=1)

    def accumulator(self, complete: bool) -> NormalsMetrics:
        """`angle_mean`, `angle_median`, `rmse` in degrees; `within_<degrees>` in percent."""
        return NormalsMetrics()

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Unit vectors, (B, 3, H, W)."""
        return _unit(prediction)

    def shown_truth(self, labels: Labels) -> Tensor:
        """Unit vectors, 0 where invalid, (B, 3, H, W)."""
        return labels["normals"]


class NormalsMetrics(Accumulator):
    """The angle between prediction and truth at every valid pixel of a split."""

    state = ("sums", "histogram")

    def __init__(self) -> None:
        # Count, sum, sum of squares, and how many angles lie below each limit.
        self.sums = torch.zeros(3 + len(_WITHIN), dtype=torch.float64)
        self.histogram = torch.zeros(_BINS, dtype=torch.int64)

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, 3, H, W) vectors and (B, 3, H, W) unit vectors."""
        truth = labels["normals"]
        valid = _valid(truth)
        own, true = prediction.movedim(1, -1)[valid], truth.movedim(1, -1)[valid]
        # The arc tangent is accurate at every angle; the arc cosine is not near 0.
        angle = torch.atan2(torch.linalg.cross(own, true).norm(dim=-1), (own * true).sum(dim=-1))
        angle = torch.rad2deg(angle).double()
        sums = [torch.ones_like(angle), angle, angle**2, *(angle < limit for limit in _WITHIN)]
        self.sums += torch.stack([values.double().sum() for values in sums]).cpu()
        bins = (angle * (_BINS / 180)).long().clamp(max=_BINS - 1)
        self.histogram += torch.bincount(bins.cpu(), minlength=_BINS)

    def compute(self) -> dict[str, Metric]:
        """Over all pixels of the split, each pixel counting once; the median to a hundredth of a
        degree."""
        count = self.sums[0]
        if not count:
            return {}
        mean, square, *within = (self.sums[1:] / count).tolist()
        middle = int(torch.searchsorted(self.histogram.cumsum(0), (count / 2).ceil().long()))
        found = {
            "angle_mean": Metric(mean, "deg", False),
            "angle_median": Metric((middle + 0.5) * 180 / _BINS, "deg", False),
            "rmse": Metric(square**0.5, "deg", False),
        }
        for limit, share in zip(_WITHIN, within, strict=True):
            found[f"within_{limit:g}"] = Metric(100 * share, "%", True)
        return found


def _unit(vectors: Tensor) -> Tensor:
    """(B, 3, H, W) vectors at length 1; on a CPU `F.normalize` takes several times as long."""
    return vectors / vectors.square().sum(dim=1, keepdim=True).clamp(min=1e-24).sqrt()


def _valid(normals: Tensor) -> Tensor:
    """Where there is a normal, (B, H, W)."""
    return (normals != 0).any(dim=1)
