"""Vehicle detection on a grid of cells, without proposals (MultiNet); KITTI's average precision."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.data.labels import Array
from replications.core.tasks.average_precision import Detections, average_precision
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.multinet.vehicles.box_precision import (
    AUTHORS,
    DIFFICULTIES,
    KITTI_HEIGHT,
    OFFICIAL,
    Truth,
    add_image,
)
from replications.multinet.vehicles.cells import Grid, assigned, corners_of
from replications.multinet.vehicles.options import VehiclesOptions

STAGE = 6
"""Numbers a stage predicts per cell: two confidence logits (nothing, vehicle) and a box."""
_BOX_UNIT = 32
"""The authors' cells have 32 pixels, in which they state the L1 loss that is weighted by 0.1."""


def build(name: str, options: VehiclesOptions, dataset: Description) -> Vehicles:
    """The task for a dataset."""
    height, width = dataset.sample["image"][-2:]
    return Vehicles(options, (height, width), dataset.facts["box_classes"])


class Vehicles:
    """Head: per cell the logits of "nothing" and "vehicle" and the box, (B, 6, rows, columns); with
    a rezoom stage, whose box and confidence are final, its six numbers after them, (B, 12, ...).

    Cars and vans are vehicles. Cells that meet a truck, a DontCare area or a vehicle smaller than
    any that is evaluated, and have no vehicle to predict, are masked out of the loss.
    """

    name = "vehicles"
    labels = frozenset({"boxes"})
    channels = STAGE
    likelihood: Likelihood = "regression"

    def __init__(
        self, options: VehiclesOptions, size: tuple[int, int], classes: Sequence[str]
    ) -> None:
        """`size`: (H, W) of the images; `classes`: names of the box classes."""
        self.options = options
        self.size = size
        self.classes = classes
        self.scale = size[0] / KITTI_HEIGHT

    def of_class(self, boxes: Tensor, *names: str) -> Tensor:
        """(B, M) bool: which boxes (B, M, 8) are of a class in `names`; padding is of none."""
        wanted = [self.classes.index(name) for name in names if name in self.classes]
        classes = torch.tensor(wanted, device=boxes.device, dtype=boxes.dtype)
        return torch.isin(boxes[..., 4], classes) & (boxes[..., 2] > boxes[..., 0])

    def targets(self, boxes: Tensor, grid: Grid) -> tuple[Tensor, Tensor, Tensor]:
        """What the cells should predict of boxes (B, M, 8).

        Returns:
            target (B, N, 4), positive (B, N) and counted (B, N): which cells the confidence loss
            counts.
        """
        corners = boxes[..., :4]
        least = self.scale * min(difficulty.height for difficulty in DIFFICULTIES.values())
        tall = boxes[..., 3] - boxes[..., 1] >= least
        vehicle = self.of_class(boxes, "car", "van")
        target, positive = assigned(grid, corners, vehicle & tall)
        ignored = self.of_class(boxes, "truck", "dontcare") | (vehicle & ~tall)
        masked = (grid.meets(corners) & ignored[..., None]).any(dim=1)
        return target, positive, positive | ~masked

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Per stage, cross entropy of the confidence plus 0.1 x L1 of the box, over all cells.

        Both are sums divided by the number of all cells, the L1 in pixels of the authors' cells
        of 32 pixels (authors' code, `fastBox.loss`). The terms of the rezoom stage have weights of
        their own on top (there, `_compute_rezoom_loss`).
        """
        grid = Grid.over(self.size, (prediction.shape[2], prediction.shape[3]))
        target, positive, counted = self.targets(labels["boxes"], grid)
        rezoom = (self.options.rezoom_confidence_weight, self.options.rezoom_box_weight)
        terms = []
        stages = prediction.flatten(2).transpose(1, 2).split(STAGE, dim=-1)
        for stage, (of_confidence, of_box) in zip(stages, ((1.0, 1.0), rezoom), strict=False):
            lead = stage[..., 1] - stage[..., 0]
            confidence = F.softplus(torch.where(positive, -lead, lead)) * counted
            error = (stage[..., 2:] - target).abs().sum(dim=-1) * positive
            box = of_box * self.options.box_weight * _BOX_UNIT * error
            terms.append(of_confidence * confidence + box)
        return torch.stack(terms).sum() / positive.numel()

    def found(self, prediction: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Per image the boxes (K, 4), clipped to the image, and scores (K,), best score first.

        Cells below the least score are dropped, then boxes that overlap a better one.
        """
        from torchvision.ops import batched_nms  # seconds to import: only when detecting

        grid = Grid.over(self.size, (prediction.shape[2], prediction.shape[3]))
        final = prediction.flatten(2).transpose(1, 2)[..., -STAGE:].float()
        score = torch.sigmoid(final[..., 1] - final[..., 0])
        corners = corners_of(grid, final[..., 2:])
        limit = torch.tensor(self.size[::-1] * 2, device=corners.device)
        corners = torch.minimum(corners.clamp(min=0), limit)
        sized = (corners[..., 2:] > corners[..., :2]).all(dim=-1)
        image, cell = ((score >= self.options.least_score) & sized).nonzero(as_tuple=True)
        boxes, scores = corners[image, cell], score[image, cell]
        kept = batched_nms(boxes, scores, image, self.options.nms_iou)
        result = []
        for number in range(len(prediction)):
            own = kept[image[kept] == number][: self.options.most]
            result.append((boxes[own], scores[own]))
        return result

    def truth(self, boxes: Tensor) -> list[Truth]:
        """What is to be found in each image, of boxes (B, M, 8)."""
        vehicle = self.of_class(boxes, "car", "van")
        car = self.of_class(boxes, "car")
        area = self.of_class(boxes, "dontcare")
        return [
            Truth(rows[v].numpy(), c[v].numpy(), rows[a, :4].numpy())
            for rows, v, c, a in zip(boxes.cpu(), vehicle.cpu(), car.cpu(), area.cpu(), strict=True)
        ]

    def accumulator(self, complete: bool) -> VehiclesMetrics:
        """`ap_moderate` and `ap_moderate_iou50`; when complete all of `VehiclesMetrics`."""
        return VehiclesMetrics(self, complete)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Detections, (B, K, 5): x1, y1, x2, y2, score; rows of -1 fill up."""
        rows = prediction.new_full((len(prediction), self.options.most, 5), -1.0)
        for row, (boxes, scores) in zip(rows, self.found(prediction), strict=True):
            row[: len(boxes)] = torch.cat([boxes, scores[:, None]], dim=1)
        return rows

    def shown_truth(self, labels: Labels) -> Tensor:
        """Cars and vans, (B, M, 5), with a score of 1; rows of -1 elsewhere."""
        boxes = labels["boxes"]
        rows = torch.cat([boxes[..., :4], torch.ones_like(boxes[..., :1])], dim=-1)
        return torch.where(self.of_class(boxes, "car", "van")[..., None], rows, -1.0)


class VehiclesMetrics(Accumulator):
    """KITTI's average precision of cars over a split, in percent.

    `ap_<difficulty>`: IoU above 0.7, mean over all 41 recalls, as the authors evaluate;
    `ap40_<difficulty>`: the same over KITTI's official 40; `ap_<difficulty>_iou50`: as the first,
    at IoU above 0.5, because 0.7 is a lot to ask of small images and short training.
    Least heights are KITTI's, scaled with the height of the images.
    """

    state = ("detections",)

    def __init__(self, task: Vehicles, complete: bool) -> None:
        self.task = task
        self.complete = complete
        names = list(DIFFICULTIES) if complete else ["moderate"]
        self.detections = {(name, iou): Detections() for name in names for iou in (0.7, 0.5)}

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, 6 or 12, rows, columns) predictions and (B, M, 8) boxes."""
        truths = self.task.truth(labels["boxes"])
        for (boxes, scores), truth in zip(self.task.found(prediction), truths, strict=True):
            self._add(boxes.cpu().double().numpy(), scores.cpu().double().numpy(), truth)

    def _add(self, boxes: Array, scores: Array, truth: Truth) -> None:
        for (name, iou), detections in self.detections.items():
            difficulty = DIFFICULTIES[name]
            add_image(detections, boxes, scores, truth, difficulty, iou, self.task.scale)

    def compute(self) -> dict[str, Metric]:
        """The metrics; a difficulty that counts no car is left out."""
        metrics = {}
        for (name, iou), detections in self.detections.items():
            if not detections.n_truths:
                continue
            suffix = "" if iou == 0.7 else "_iou50"
            value = average_precision(detections, AUTHORS)
            metrics[f"ap_{name}{suffix}"] = Metric(100 * value, "%", True)
            if self.complete and iou == 0.7:
                official = average_precision(detections, OFFICIAL)
                metrics[f"ap40_{name}"] = Metric(100 * official, "%", True)
        return metrics
