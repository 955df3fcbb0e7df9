"""Detection of things: COCO's average precision of boxes, and of masks where there are some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.data.labels import Array
from replications.core.errors import StudyError
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.mask_rcnn.objects.matching import IOUS, Matched, matched, precision
from replications.mask_rcnn.objects.options import ObjectsOptions

MASK = 28
"""Pixels along a side of a predicted mask."""
FIELDS = 6
"""Of a detection: x1, y1, x2, y2, score, index of the class; then its mask, if it has one."""
_SIZES = ("all", "small", "large")


@dataclass(frozen=True)
class Things:
    """What is there in one picture, of N things.

    Attributes:
        boxes: float32, (N, 4): x1, y1, x2, y2 around the pixels that are seen, x2 and y2 behind.
        classes: int64, (N,), indices of classes of things.
        masks: bool, (N, H, W).
        tiny: bool, (N,): too few pixels to be looked for.
    """

    boxes: Tensor
    classes: Tensor
    masks: Tensor
    tiny: Tensor


def things_in(instances: Tensor, semseg: Tensor, things: Sequence[int], least: int) -> Things:
    """The things in a picture, from the maps of ids (0 none) and of classes, (H, W) each.

    The class is the one that most of the pixels have; what is of none of `things` is left out.
    """
    ids = instances.unique()
    masks = instances == ids[ids > 0, None, None]
    votes = torch.stack([(masks & (semseg == thing)).sum(dim=(1, 2)) for thing in things], dim=1)
    known = votes.sum(dim=1) > 0
    masks, votes = masks[known], votes[known]
    boxes = torch.zeros(len(masks), 4, device=masks.device)
    for axis, (first, last) in ((1, (0, 2)), (2, (1, 3))):
        seen = masks.any(dim=axis).float()
        place = torch.arange(1, seen.shape[1] + 1, device=masks.device)
        boxes[:, last] = (seen * place).amax(dim=1)
        boxes[:, first] = seen.shape[1] - (seen * place.flip(0)).amax(dim=1)
    return Things(boxes, votes.argmax(dim=1), masks, masks.sum(dim=(1, 2)) < least)


def build(name: str, options: ObjectsOptions, dataset: Description) -> Objects:
    """The task for a dataset.

    Raises:
        StudyError: it has no things of a class that is to be looked for.
    """
    height, width = dataset.sample["image"][-2:]
    classes, things = dataset.facts["classes"], dataset.facts["things"]
    known = {classes[thing]: thing for thing in things}
    if unknown := set(options.kinds) - set(known):
        raise StudyError(
            f"task {name}: kinds: no things called {', '.join(sorted(unknown))}; "
            f"there are: {', '.join(known)}"
        )
    chosen = [known[kind] for kind in options.kinds] or things
    return Objects(name, options, (height, width), chosen)


class Objects:
    """Head: detections, (B, K, 6) or (B, K, 6 + 28 * 28), see `FIELDS`; a score of -1 fills up.

    The network computes the loss, which is of proposals that it makes itself; that of the task is
    for detections that are the same in every picture, which the floor is made of.
    """

    labels = frozenset({"instances", "semseg"})
    likelihood: Likelihood = "classification"

    def __init__(
        self, name: str, options: ObjectsOptions, size: tuple[int, int], things: Sequence[int]
    ) -> None:
        """`size`: (H, W) of the pictures; `things`: the classes that are things."""
        self.name, self.options, self.size, self.things = name, options, size, things
        self.channels = len(things)
        self.small = options.small * size[0] * size[1]

    def found(self, labels: Labels) -> list[Things]:
        """What is there in each picture."""
        pairs = zip(labels["instances"], labels["semseg"], strict=True)
        least = self.options.min_pixels
        return [things_in(ids, classes, self.things, least) for ids, classes in pairs]

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Of constant detections: how far each thing is from the one that it is assigned, and their
        scores from how often they are assigned something. See the class."""
        loss = prediction.sum() * 0
        for rows, things in zip(prediction, self.found(labels), strict=True):
            boxes, kinds = things.boxes[~things.tiny], things.classes[~things.tiny]
            chosen, of = assigned(torch.cdist(rows[:, :4].detach(), boxes, p=1))
            wanted = torch.zeros_like(rows[:, 4])
            wanted[chosen] = 1.0
            loss = loss + (rows[chosen, :4] - boxes[of]).abs().sum()
            loss = loss + (rows[chosen, 5] - kinds[of]).abs().sum()
            loss = loss + (rows[:, 4] - wanted).square().sum()
        return loss / len(prediction)

    def accumulator(self, complete: bool) -> AveragePrecision:
        """`ap`, `ap50` and `ap75`; when complete also by size, and of masks."""
        return AveragePrecision(self, complete)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Detections, (B, K, 6)."""
        return prediction[..., :FIELDS]

    def shown_truth(self, labels: Labels) -> Tensor:
        """What is there in the form of detections, (B, N, 6), with a score of 1."""
        per_picture = self.found(labels)
        most = max([1, *(len(own.boxes) for own in per_picture)])
        rows = torch.full((len(per_picture), most, FIELDS), -1.0)
        for row, own in zip(rows, per_picture, strict=True):
            row[: len(own.boxes), :4] = own.boxes.cpu()
            row[: len(own.boxes), 4] = 1.0
            row[: len(own.boxes), 5] = own.classes.cpu()
        return rows


class AveragePrecision(Accumulator):
    """The matched detections of a split, by what they are of: class, size, boxes or masks."""

    state = ("pictures",)

    def __init__(self, task: Objects, complete: bool) -> None:
        self.task = task
        self.complete = complete
        self.pictures: list[dict[tuple[str, str, int], Matched]] = []

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add the detections in each picture."""
        for rows, things in zip(prediction, self.task.found(labels), strict=True):
            self.pictures.append(self._of_picture(rows[rows[:, 4] >= 0], things))

    def _of_picture(self, rows: Tensor, things: Things) -> dict[tuple[str, str, int], Matched]:
        found: dict[tuple[str, str, int], Matched] = {}
        masks = pasted(rows, self.task.size) if rows.shape[1] > FIELDS and self.complete else None
        overlaps = {"box": box_iou(rows[:, :4], things.boxes)}
        areas = {"box": area(rows[:, :4])}
        if masks is not None:
            overlaps["mask"] = mask_iou(masks, things.masks)
            areas["mask"] = masks.sum(dim=(1, 2))
        real = things.masks.sum(dim=(1, 2)).cpu().numpy()
        tiny, classes = things.tiny.cpu().numpy(), things.classes.cpu().numpy()
        scores, kinds = rows[:, 4].cpu().numpy(), rows[:, 5].round().cpu().numpy()
        for what, iou in overlaps.items():
            sizes = _SIZES if what == "box" and self.complete else _SIZES[:1]
            own = areas[what].cpu().numpy()
            for size in sizes:
                passed_over = tiny | self._not_of(size, real)
                outside = self._not_of(size, own)
                for kind in range(len(self.task.things)):
                    d, g = kinds == kind, classes == kind
                    if d.any() or g.any():
                        found[what, size, kind] = matched(
                            iou[d][:, g].cpu().numpy(), scores[d], outside[d], passed_over[g]
                        )
        return found

    def _not_of(self, size: str, areas: Array) -> Array:
        if size == "all":
            return np.zeros(len(areas), bool)
        small: Array = areas < self.task.small
        return ~small if size == "small" else small

    def compute(self) -> dict[str, Metric]:
        """Means over the classes that occur, in percent."""
        found: dict[str, float] = {}
        boxes = self._mean("box", "all")
        if boxes is not None:
            of_iou = dict(zip((round(100 * iou) for iou in IOUS), boxes, strict=True))
            found |= {"ap": boxes.mean(), "ap50": of_iou[50], "ap75": of_iou[75]}
        for name, place in (
            ("ap_small", ("box", "small")),
            ("ap_large", ("box", "large")),
            ("mask_ap", ("mask", "all")),
        ):
            own = self._mean(*place) if self.complete else None
            if own is not None:
                found[name] = own.mean()
        return {name: Metric(100 * float(value), "%", True) for name, value in found.items()}

    def _mean(self, what: str, size: str) -> Array | None:
        """Average precision at each of `IOUS`, as a mean over the classes that occur."""
        of_class = [
            precision([own[place] for own in self.pictures if place in own])
            for place in ((what, size, kind) for kind in range(len(self.task.things)))
        ]
        known = [own for own in of_class if own is not None]
        return np.mean(known, axis=0) if known else None


def assigned(cost: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and columns that belong together, each once, so that the whole of the cost, (R, C), is
    least."""
    rows, columns = linear_sum_assignment(cost.cpu().numpy())
    return torch.as_tensor(rows, device=cost.device), torch.as_tensor(columns, device=cost.device)


def area(boxes: Tensor) -> Tensor:
    """(..., 4) to (...)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def box_iou(one: Tensor, other: Tensor) -> Tensor:
    """(D, 4) and (G, 4) to (D, G)."""
    low = torch.maximum(one[:, None, :2], other[None, :, :2])
    high = torch.minimum(one[:, None, 2:], other[None, :, 2:])
    common = (high - low).clamp(min=0).prod(dim=2)
    return common / (area(one)[:, None] + area(other) - common)


def mask_iou(one: Tensor, other: Tensor) -> Tensor:
    """bool, (D, H, W) and (G, H, W), to (D, G)."""
    first, second = one.flatten(1).float(), other.flatten(1).float()
    common = first @ second.T
    return common / (first.sum(1)[:, None] + second.sum(1) - common).clamp(min=1)


def pasted(rows: Tensor, size: tuple[int, int]) -> Tensor:
    """The masks of detections, (K, 6 + 28 * 28) with the logit of each of its pixels, where they
    are in the picture: bool, (K, H, W)."""
    height, width = size
    x1, y1, x2, y2 = (v[:, None] for v in rows[:, :4].T)
    across = 2 * (torch.arange(width, device=rows.device) + 0.5 - x1) / (x2 - x1) - 1
    down = 2 * (torch.arange(height, device=rows.device) + 0.5 - y1) / (y2 - y1) - 1
    grid = torch.stack(
        [across[:, None].expand(-1, height, -1), down[:, :, None].expand(-1, -1, width)], dim=3
    )
    logits = rows[:, FIELDS:].view(-1, 1, MASK, MASK)
    drawn = F.grid_sample(logits.sigmoid(), grid, align_corners=False)[:, 0]
    return drawn >= 0.5
