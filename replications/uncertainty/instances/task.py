"""Instance segmentation by centroid regression and clustering (Kendall et al., 2018, section 4.2).

Every pixel of an instance regresses the vector to its instance's centroid; pixels whose votes fall
together are one instance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.cluster import DBSCAN
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.data.labels import Array
from replications.core.tasks.average_precision import Detections, average_precision
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.uncertainty.instances.options import InstancesOptions


def centroid_vectors(instances: Tensor) -> Tensor:
    """(B, 2, H, W) float32: (dx, dy) in pixels from each pixel to its instance's centroid.

    Zero where `instances` (int64, (B, H, W)) is 0. The centroid is the mean position of the
    instance's pixels in the image as it is after augmentation.
    """
    batch, height, width = instances.shape
    most = int(instances.max()) + 1
    flat = instances + most * torch.arange(batch, device=instances.device).view(-1, 1, 1)
    flat = flat.reshape(-1)
    y, x = torch.meshgrid(
        torch.arange(height, device=instances.device, dtype=torch.float64),
        torch.arange(width, device=instances.device, dtype=torch.float64),
        indexing="ij",
    )
    position = torch.stack([x, y]).expand(batch, 2, height, width)
    points = position.permute(0, 2, 3, 1).reshape(-1, 2)
    sums = points.new_zeros(batch * most, 2).index_add_(0, flat, points)
    counts = torch.bincount(flat, minlength=batch * most).clamp(min=1)
    centroids = (sums / counts[:, None])[flat].view(batch, height, width, 2).permute(0, 3, 1, 2)
    return torch.where(instances[:, None] > 0, centroids - position, 0.0).float()


def build(name: str, options: InstancesOptions, dataset: Description) -> Instances:
    """The task for a dataset."""
    return Instances(options, dataset.facts["things"])


class Instances:
    """Head: the vector to the centroid, (B, 2, H, W), in pixels."""

    name = "instances"
    labels = frozenset({"instances", "semseg"})
    channels = 2
    likelihood: Likelihood = "regression"

    def __init__(self, options: InstancesOptions, things: Sequence[int]) -> None:
        self.options = options
        self.things = things

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """L1 norm of the error of the vector, averaged over instance pixels."""
        target = centroid_vectors(labels["instances"])
        inside = labels["instances"] > 0
        error = (prediction - target).abs().sum(dim=1) * inside
        return error.sum() / inside.sum().clamp(min=1)

    def accumulator(self, complete: bool) -> InstancesMetrics:
        """`centroid_l1`; when complete also `ap50` of the clustered instances."""
        return InstancesMetrics(self, complete)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Ids of the clustered instances, (B, H, W), numbered through the thing classes."""
        maps = []
        for vectors, semseg in zip(prediction.cpu().numpy(), labels["semseg"].cpu(), strict=True):
            ids = np.zeros(semseg.shape, np.int64)
            for thing in self.things:
                found, _ = clustered(vectors, semseg.numpy() == thing, self.options)
                ids += np.where(found > 0, found + ids.max(), 0)
            maps.append(torch.from_numpy(ids))
        return torch.stack(maps)

    def shown_truth(self, labels: Labels) -> Tensor:
        """Instance ids, (B, H, W)."""
        return labels["instances"]


class InstancesMetrics(Accumulator):
    """Centroid error over instance pixels, and AP of the clustered masks at IoU 0.5.

    The clusters are formed inside the true mask of each thing class, the same for every run, so
    that a run without a semantic head can be compared with one that has it.
    """

    state = ("error", "count", "detections")

    def __init__(self, task: Instances, complete: bool) -> None:
        self.task = task
        self.complete = complete
        self.error = 0.0
        self.count = 0
        self.detections = {thing: Detections() for thing in task.things}

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, 2, H, W) vectors."""
        inside = labels["instances"] > 0
        error = (prediction - centroid_vectors(labels["instances"])).abs().sum(dim=1)
        self.error += float(error[inside].double().sum())
        self.count += int(inside.sum())
        if self.complete:
            maps = (prediction, labels["instances"], labels["semseg"])
            for vectors, instances, semseg in zip(*(m.cpu().numpy() for m in maps), strict=True):
                self._add_instances(vectors, instances, semseg)

    def _add_instances(self, vectors: Array, instances: Array, semseg: Array) -> None:
        for thing, detections in self.detections.items():
            truth = np.where(semseg == thing, instances, 0)
            found, scores = clustered(vectors, semseg == thing, self.task.options)
            detections.add(found, scores, truth, self.task.options.min_pixels)

    def compute(self) -> dict[str, Metric]:
        """Errors in pixels, AP in percent, averaged over the thing classes that occur."""
        if not self.count:
            return {}
        metrics = {"centroid_l1": Metric(self.error / self.count, "px", False)}
        precisions = [average_precision(d) for d in self.detections.values() if d.n_truths]
        if self.complete and precisions:
            metrics["ap50"] = Metric(100 * sum(precisions) / len(precisions), "%", True)
        return metrics


def clustered(vectors: Array, mask: Array, options: InstancesOptions) -> tuple[Array, list[float]]:
    """Instances of one class: an id map (H, W), 0 none, and a score per instance.

    DBSCAN over the votes (pixel + vector) of the pixels in `mask`. At one fixed radius the
    clusters of OPTICS, which the paper names, are those of DBSCAN (Ankerst et al., 1999), at a
    small part of the cost. The score is the share of the cluster's votes within the radius of its
    mean vote, times the square root of its size: compact and large come first.
    """
    y, x = np.nonzero(mask)
    ids = np.zeros(mask.shape, np.int64)
    if len(x) == 0:
        return ids, []
    votes = np.stack([x, y], axis=1) + vectors[:, y, x].T
    # Votes on a grid of a quarter pixel: equal votes are clustered once, with their number.
    cells, inverse, counts = np.unique(
        np.rint(votes * 4).astype(np.int64), axis=0, return_inverse=True, return_counts=True
    )
    algorithm: Any = DBSCAN(eps=options.radius, min_samples=options.min_pixels)
    groups = algorithm.fit_predict(cells / 4, sample_weight=counts)[inverse.reshape(-1)]
    scores = []
    for group in range(int(groups.max(initial=-1)) + 1):
        members = groups == group
        ids[y[members], x[members]] = group + 1
        distance = np.linalg.norm(votes[members] - votes[members].mean(axis=0), axis=1)
        scores.append(float((distance <= options.radius).mean() * np.sqrt(members.sum())))
    return ids, scores
