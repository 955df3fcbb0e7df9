"""Depth, metric or as inverse depth in pixels of disparity: L1 on valid pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.core.tasks.depth.options import DepthOptions


def build(name: str, options: DepthOptions, dataset: Description) -> Depth:
    """The task for a dataset."""
    return Depth(options, dataset.facts["focal"])


class Depth:
    """Head: one number per pixel, (B, 1, H, W)."""

    name = "depth"
    labels = frozenset({"depth"})
    channels = 1
    likelihood: Likelihood = "regression"

    def __init__(self, options: DepthOptions, focal: float) -> None:
        """`focal`: focal length in pixels of the stereo pair that inverse depth is given for."""
        self.inverse = options.form == "inverse"
        self.unit = options.unit
        self.farthest = options.farthest
        self.disparity_of_one_metre = options.baseline * focal

    def target(self, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Target and validity, (B, H, W) each, of a depth map in metres.

        Metric: depth in the head's unit, valid up to `farthest`.
        Inverse: disparity = baseline * focal / depth in pixels; the sky counts as zero inverse
        depth (Kendall et al., 2018, section 4.1), so every pixel is valid.
        """
        valid = depth > 0
        if not self.inverse:
            near = valid if self.farthest is None else valid & (depth <= self.farthest)
            return depth / self.unit, near
        disparity = self.disparity_of_one_metre / depth.clamp(min=1e-6)
        return torch.where(valid, disparity, 0.0), torch.ones_like(valid)

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Mean absolute error over valid pixels, in the head's unit or pixels of disparity."""
        target, valid = self.target(labels["depth"])
        error = (prediction[:, 0] - target).abs() * valid
        return error.sum() / valid.sum().clamp(min=1)

    def accumulator(self, complete: bool) -> DepthMetrics:
        """`inverse_depth_l1` when inverse; `abs_err`, `rel_err` and `rmse` in metres otherwise."""
        return DepthMetrics(self)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Depth in metres or disparity as predicted, (B, H, W)."""
        return prediction[:, 0] * self.unit

    def shown_truth(self, labels: Labels) -> Tensor:
        """Depth in metres or disparity, (B, H, W)."""
        return self.target(labels["depth"])[0] * self.unit


class DepthMetrics(Accumulator):
    """Sums of errors over the valid pixels of a split."""

    state = ("sums", "count")

    def __init__(self, task: Depth) -> None:
        self.task = task
        self.sums = torch.zeros(3, dtype=torch.float64)
        self.count = 0

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, 1, H, W) predictions and (B, H, W) depth in metres."""
        target, valid = self.task.target(labels["depth"])
        truth = target[valid].double() * self.task.unit
        error = (prediction[:, 0][valid].double() * self.task.unit - truth).abs()
        relative = error / truth.clamp(min=1e-6) if not self.task.inverse else torch.zeros(1)
        sums = torch.stack([error.sum(), (error**2).sum(), relative.sum().to(error.device)])
        self.sums += sums.cpu()
        self.count += int(valid.sum())

    def compute(self) -> dict[str, Metric]:
        """Errors over all pixels of the split, each pixel counting once."""
        if not self.count:
            return {}
        absolute, squared, relative = (self.sums / self.count).tolist()
        if self.task.inverse:
            return {"inverse_depth_l1": Metric(absolute, "px", False)}
        return {
            "abs_err": Metric(absolute, "m", False),
            "rel_err": Metric(relative, "1", False),
            "rmse": Metric(squared**0.5, "m", False),
        }
