"""Vehicle detection: cells, loss, and KITTI's AP against hand-made cases and other programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.detection import MeanAveragePrecision

from replications.core.data.labels import Array
from replications.core.tasks.average_precision import Detections, average_precision
from replications.multinet.vehicles.box_precision import (
    AUTHORS,
    DIFFICULTIES,
    OFFICIAL,
    Difficulty,
    Truth,
    add_image,
    box_areas,
    intersections,
)
from replications.multinet.vehicles.cells import FOCUS, Grid, assigned, corners_of
from replications.multinet.vehicles.options import VehiclesOptions
from replications.multinet.vehicles.task import Vehicles

CLASSES = ("car", "van", "truck", "dontcare")
TASK = Vehicles(VehiclesOptions(), (375, 1242), CLASSES)
MODERATE, HARD = DIFFICULTIES["moderate"], DIFFICULTIES["hard"]
SEEDS = st.integers(0, 2**31)


def box(x: float, y: float, side: float, kind: str = "car", occlusion: int = 0) -> list[float]:
    """A row of boxes: a square with its corner at (x, y)."""
    return [x, y, x + side, y + side, CLASSES.index(kind), occlusion, 0.0, side]


def truth_of(*rows: list[float]) -> Truth:
    return TASK.truth(torch.tensor([rows]).reshape(1, -1, 8))[0]


def ap(
    images: list[tuple[Any, Any, Truth]],
    difficulty: Difficulty = MODERATE,
    iou: float = 0.7,
    recalls: Array = AUTHORS,
) -> float:
    """AP of images given as (boxes, scores, truth)."""
    detections = Detections()
    for boxes, scores, truth in images:
        found = np.asarray(boxes, float).reshape(-1, 4)
        add_image(detections, found, np.asarray(scores, float), truth, difficulty, iou)
    return average_precision(detections, recalls)


def random_images(
    seed: int, n: int, kinds: tuple[str, ...] = ("car", "car", "car", "van", "truck", "dontcare")
) -> list[tuple[Array, Array, Truth]]:
    """Images with objects in a row, detections that miss them by more or less, and stray ones."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(n):
        rows = []
        for slot in range(rng.integers(0, 6)):
            side = rng.uniform(15, 90)
            kind = kinds[rng.integers(len(kinds))]
            rows.append(box(110 * slot, rng.uniform(0, 200), side, kind, int(rng.integers(0, 4))))
        truth = truth_of(*rows) if rows else truth_of()
        jittered = [np.array(r[:4]) + rng.normal(0, 3, 4) for r in rows if rng.random() < 0.8]
        stray = [[x, 250, x + 40, 300] for x in rng.uniform(0, 1000, rng.integers(0, 3))]
        boxes = np.array([*jittered, *stray]).reshape(-1, 4)
        images.append((boxes, rng.permutation(len(boxes)) + rng.random(len(boxes)), truth))
    return images


# Average precision by hand


def test_ap_of_two_cars_one_found_then_a_stray() -> None:
    """Precision 1 up to recall 1/2, then nothing: 21 of the 41 recalls, 20 of the 40."""
    truth = truth_of(box(0, 0, 50), box(100, 0, 50))
    images = [([[0, 0, 50, 50], [300, 0, 350, 50]], [0.9, 0.8], truth)]
    assert ap(images) == pytest.approx(21 / 41)
    assert ap(images, recalls=OFFICIAL) == pytest.approx(20 / 40)


def test_ap_of_a_stray_ahead_of_the_only_car() -> None:
    images = [([[300, 0, 350, 50], [0, 0, 50, 50]], [0.9, 0.8], truth_of(box(0, 0, 50)))]
    assert ap(images) == pytest.approx(0.5)


def test_a_second_detection_of_a_car_is_wrong() -> None:
    truth = truth_of(box(0, 0, 50), box(100, 0, 50))
    boxes = [[0, 0, 50, 50], [0, 0, 50, 51], [100, 0, 150, 50]]
    # Precision 1 up to recall 1/2, then 2/3.
    assert ap([(boxes, [0.9, 0.8, 0.7], truth)]) == pytest.approx((21 + 20 * 2 / 3) / 41)


@pytest.mark.parametrize(
    ("kind", "hurts"), [("van", False), ("dontcare", False), ("truck", True), (None, True)]
)
def test_what_a_detection_beside_the_car_lies_on(kind: str | None, hurts: bool) -> None:
    """On a van or in a DontCare area it counts neither way; on a truck or nothing it is wrong."""
    rows = [box(0, 0, 50)] + ([box(200, 0, 60, kind)] if kind else [])
    images = [([[200, 0, 259, 60], [0, 0, 50, 50]], [0.9, 0.8], truth_of(*rows))]
    assert ap(images) == pytest.approx(0.5 if hurts else 1.0)


def test_many_detections_may_lie_in_one_dontcare_area() -> None:
    truth = truth_of(box(0, 0, 50), box(200, 0, 150, "dontcare"))
    boxes = [[200, 0, 240, 40], [260, 10, 300, 60], [0, 0, 50, 50]]
    assert ap([(boxes, [0.9, 0.8, 0.7], truth)]) == 1


def test_the_least_height_holds_for_cars_and_detections() -> None:
    """A 24-pixel car need not be found, and a detection of 24 pixels is not wrong."""
    truth = truth_of(box(0, 0, 50), box(100, 0, 24))
    images = [([[300, 0, 324, 24], [0, 0, 50, 50]], [0.9, 0.8], truth)]
    assert ap(images) == 1
    # In an image of half the height 24 pixels are enough.
    detections = Detections()
    for found, scores, own in images:
        add_image(detections, np.array(found, float), np.array(scores), own, MODERATE, 0.7, 0.5)
    assert detections.n_truths == 2
    assert detections.correct == [False, True]


@pytest.mark.parametrize(("difficulty", "cars"), [("easy", 1), ("moderate", 2), ("hard", 3)])
def test_occlusion_decides_who_counts(difficulty: str, cars: int) -> None:
    truth = truth_of(*(box(100 * level, 0, 60, "car", level) for level in range(4)))
    detections = Detections()
    nothing = np.zeros((0, 4))
    add_image(detections, nothing, np.zeros(0), truth, DIFFICULTIES[difficulty], 0.7)
    assert detections.n_truths == cars


def test_truncation_decides_who_counts() -> None:
    row = box(0, 0, 60)
    row[6] = 0.4
    for name, cars in (("easy", 0), ("moderate", 0), ("hard", 1)):
        detections = Detections()
        nothing = np.zeros((0, 4))
        add_image(detections, nothing, np.zeros(0), truth_of(row), DIFFICULTIES[name], 0.7)
        assert detections.n_truths == cars


def test_iou_must_be_exceeded() -> None:
    truth = truth_of(box(0, 0, 100))
    assert ap([([[0, 0, 100, 70]], [1.0], truth)]) == 0
    assert ap([([[0, 0, 100, 71]], [1.0], truth)]) == 1


# Average precision against other programs


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_ap_is_that_of_coco_where_the_definitions_coincide(seed: int) -> None:
    """With 101 recalls: cars count, DontCare areas are COCO's crowds, vans lie outside the range of
    areas; every box and detection is tall enough for the difficulty."""
    everything = Difficulty(0, 3, 1.0)
    images = random_images(seed, 6, ("car", "car", "van", "dontcare"))
    recalls = np.linspace(0, 1, 101)
    metric = MeanAveragePrecision("xyxy", iou_thresholds=[0.7], rec_thresholds=recalls.tolist())
    for boxes, scores, truth in images:
        targets = np.concatenate([truth.boxes[:, :4], truth.areas])
        crowd = [0] * len(truth.boxes) + [1] * len(truth.areas)
        # COCO ignores what is larger than 1e10 square pixels, and takes our word for the area.
        area = [100.0 if car else 1e11 for car in truth.cars] + [100.0] * len(truth.areas)
        metric.update(
            [
                {
                    "boxes": torch.tensor(boxes).float(),
                    "scores": torch.tensor(scores).float(),
                    "labels": torch.zeros(len(boxes), dtype=torch.int64),
                }
            ],
            [
                {
                    "boxes": torch.tensor(targets).float().reshape(-1, 4),
                    "labels": torch.zeros(len(targets), dtype=torch.int64),
                    "iscrowd": torch.tensor(crowd),
                    "area": torch.tensor(area),
                }
            ],
        )
    if not any(truth.cars.any() for _, _, truth in images):
        return
    ours = ap(images, everything, recalls=recalls)
    assert ours == pytest.approx(float(metric.compute()["map"]), abs=1e-6)


def devkit_precision(
    images: list[tuple[Array, Array, Truth]], difficulty: Difficulty, iou: float
) -> Array:
    """Precision at the 41 samples as KITTI's devkit computes it, matched anew per threshold.

    An independent account of the published procedure: object by object instead of detection by
    detection, the largest overlap instead of the best score.
    """

    def counted(truth: Truth) -> Array:
        rows = truth.boxes
        tall = rows[:, 3] - rows[:, 1] >= difficulty.height
        seen = (rows[:, 5] <= difficulty.occlusion) & (rows[:, 6] <= difficulty.truncation)
        result: Array = truth.cars & tall & seen
        return result

    def match(boxes: Array, scores: Array, truth: Truth, threshold: float | None) -> Any:
        small = boxes[:, 3] - boxes[:, 1] < difficulty.height
        open_ = np.ones(len(boxes), bool) if threshold is None else scores >= threshold
        hits: list[float] = []
        shared = intersections(boxes, truth.boxes)
        overlap = shared / (box_areas(boxes)[:, None] + box_areas(truth.boxes) - shared)
        for j, counts in enumerate(counted(truth)):
            fits = open_ & (overlap[:, j] > iou)
            if not fits.any():
                continue
            if threshold is None:
                chosen = int(np.argmax(np.where(fits, scores, -np.inf)))
            elif (fits & ~small).any():
                chosen = int(np.argmax(np.where(fits & ~small, overlap[:, j], -1)))
            else:
                chosen = int(np.flatnonzero(fits)[0])
            open_[chosen] = False
            if counts and not small[chosen]:
                hits.append(float(scores[chosen]))
        rest = open_ & ~small
        inside = intersections(boxes, truth.areas) / box_areas(boxes)[:, None]
        return hits, int((rest & ~(inside > iou).any(axis=1)).sum())

    n = sum(int(counted(truth).sum()) for _, _, truth in images)
    scores = sorted((s for image in images for s in match(*image, None)[0]), reverse=True)
    thresholds, current = [], 0.0
    for i, score in enumerate(scores):
        left, right = (i + 1) / n, (i + 2) / n if i < len(scores) - 1 else (i + 1) / n
        if right - current < current - left and i < len(scores) - 1:
            continue
        thresholds.append(score)
        current += 1 / 40
    precision = np.zeros(41)
    for k, threshold in enumerate(thresholds[:41]):
        found = [match(*image, threshold) for image in images]
        right_ones = sum(len(hits) for hits, _ in found)
        precision[k] = right_ones / max(right_ones + sum(wrong for _, wrong in found), 1)
    return np.maximum.accumulate(precision[::-1])[::-1]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", DIFFICULTIES)
def test_ap_is_that_of_the_devkit_for_many_objects(name: str, seed: int) -> None:
    """Apart from where the devkit puts its samples, which moves AP by less than 1/40."""
    images = random_images(seed, 400)
    sampled = devkit_precision(images, DIFFICULTIES[name], 0.5)
    assert 0.05 < sampled.mean() < 0.95
    assert ap(images, DIFFICULTIES[name], 0.5) == pytest.approx(sampled.mean(), abs=0.025)
    official = ap(images, DIFFICULTIES[name], 0.5, OFFICIAL)
    assert official == pytest.approx(sampled[1:].mean(), abs=0.025)


# Average precision: properties


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_permuting_detections_changes_nothing(seed: int) -> None:
    images = random_images(seed, 4)
    rng = np.random.default_rng(seed)
    permuted = []
    for boxes, scores, truth in images:
        order = rng.permutation(len(scores))
        permuted.append((boxes[order], scores[order] // 2, truth))
    halved = [(boxes, scores // 2, truth) for boxes, scores, truth in images]  # with ties
    assert ap(permuted, HARD, 0.5) == ap(halved, HARD, 0.5)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_a_wrong_detection_of_lowest_score_never_raises_ap(seed: int) -> None:
    images = random_images(seed, 4)
    worse = list(images)
    boxes, scores, truth = worse[-1]
    worse[-1] = (np.vstack([boxes, [2000, 0, 2060, 60]]), np.append(scores, -1.0), truth)
    assert ap(worse) <= ap(images) + 1e-12


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_perfect_detections_give_one(seed: int) -> None:
    images = random_images(seed, 5)
    rng = np.random.default_rng(seed)
    perfect = [(t.boxes[:, :4], rng.random(len(t.boxes)), t) for _, _, t in images]
    for difficulty in DIFFICULTIES.values():
        detections = Detections()
        for boxes, scores, truth in perfect:
            add_image(detections, boxes.astype(float), scores, truth, difficulty, 0.7)
        if detections.n_truths:
            assert average_precision(detections, AUTHORS) == pytest.approx(1)
            assert average_precision(detections, OFFICIAL) == pytest.approx(1)


# Cells and loss


def test_a_cell_predicts_the_overlapping_box_with_the_nearest_centre() -> None:
    grid = Grid.over((32, 64), (4, 8))
    corners = torch.tensor([[[2.0, 2, 6, 6], [4, 4, 20, 12]]])
    target, positive = assigned(grid, corners, torch.ones(1, 2, dtype=torch.bool))
    # Cell (0, 0) is centred on the first box, cell (0, 1) touches the second only.
    assert target[0, 0].tolist() == [0, 0, 0.5, 0.5]
    assert target[0, 1].tolist() == [0, 0.5, 2, 1]
    # Cells (1, 0) to (1, 2) and (0, 2) touch the second as well; nothing else is positive.
    assert positive[0].nonzero()[:, 0].tolist() == [0, 1, 2, 8, 9, 10]


def test_cells_far_from_the_centre_of_a_large_box_are_negative() -> None:
    grid = Grid.over((80, 80), (10, 10))
    corners = torch.tensor([[[0.0, 0, 80, 80]]])
    _, positive = assigned(grid, corners, torch.ones(1, 1, dtype=torch.bool))
    offset = (grid.centres(torch.device("cpu")) - 40).abs() / 8
    assert torch.equal(positive[0], (offset < FOCUS).all(dim=1))


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_numbers_of_a_box_give_the_box_back(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    grid = Grid.over((48, 96), (6, 12))
    low = torch.rand(2, 5, 2, generator=generator) * torch.tensor([70.0, 30.0])
    corners = torch.cat([low, low + 2 + 15 * torch.rand(2, 5, 2, generator=generator)], dim=-1)
    target, positive = assigned(grid, corners, torch.ones(2, 5, dtype=torch.bool))
    back = corners_of(grid, target)
    distance = (back[:, :, None] - corners[:, None]).abs().amax(dim=-1).amin(dim=-1)
    assert positive.any()
    assert float(distance[positive].max()) < 1e-3


def test_without_any_box_nothing_is_positive() -> None:
    grid = Grid.over((16, 16), (2, 2))
    target, positive = assigned(grid, torch.zeros(3, 0, 4), torch.zeros(3, 0, dtype=torch.bool))
    assert target.shape == (3, 4, 4)
    assert not positive.any()
    padding = torch.full((1, 2, 8), -1.0)
    _, found, counted = Vehicles(VehiclesOptions(), (16, 16), CLASSES).targets(padding, grid)
    assert not found.any()
    assert counted.all()


def test_cells_on_trucks_dontcare_and_tiny_cars_are_masked_unless_they_have_a_car() -> None:
    task = Vehicles(VehiclesOptions(), (375, 375), CLASSES)
    grid = Grid.over((375, 375), (5, 5))
    rows = [
        box(0, 0, 70, "truck"),
        box(80, 0, 60, "dontcare"),
        box(160, 5, 20),  # below 25 pixels
        box(10, 80, 60, "truck"),
        box(5, 85, 60),
    ]
    _, positive, counted = task.targets(torch.tensor([rows]), grid)
    assert positive[0].nonzero()[:, 0].tolist() == [5]
    assert (~counted[0]).nonzero()[:, 0].tolist() == [0, 1, 2]


def test_loss_by_hand() -> None:
    """One car on one of four cells: cross entropy over all cells, 0.1 x L1 in 1/32 of a cell."""
    task = Vehicles(VehiclesOptions(), (100, 100), CLASSES)
    prediction = torch.zeros(1, 6, 2, 2)
    prediction[0, 2:, 0, 0] = torch.tensor([0.1, -0.2, 0.5, 1.0])
    boxes = torch.tensor([[box(5, 5, 40)]])
    confidence = float(F.cross_entropy(torch.zeros(1, 2), torch.tensor([0])))
    offsets = 0.1 + 0.2 + 0.3 + 0.2  # the box is at (0, 0) with 0.8 of a cell
    error = 0.1 * 32 * offsets / 4
    first = confidence + error
    assert float(task.loss(prediction, {"boxes": boxes})) == pytest.approx(first, rel=1e-5)
    twice = torch.cat([prediction, prediction], dim=1)  # the rezoom stage adds its own terms
    both = first + 0.1 * confidence + 0.03 * error
    assert float(task.loss(twice, {"boxes": boxes})) == pytest.approx(both, rel=1e-5)
    for options, expected in (
        (VehiclesOptions(rezoom_confidence_weight=1, rezoom_box_weight=1), 2 * first),
        (VehiclesOptions(rezoom_confidence_weight=0, rezoom_box_weight=2), first + 2 * error),
    ):
        other = Vehicles(options, (100, 100), CLASSES)
        assert float(other.loss(twice, {"boxes": boxes})) == pytest.approx(expected, rel=1e-5)


def test_masked_cells_have_no_gradient() -> None:
    task = Vehicles(VehiclesOptions(), (100, 100), CLASSES)
    prediction = torch.randn(1, 12, 2, 2, requires_grad=True)
    task.loss(prediction, {"boxes": torch.tensor([[box(5, 5, 40, "truck")]])}).backward()
    assert prediction.grad is not None
    assert not prediction.grad[0, :, 0, 0].any()
    assert prediction.grad[0, :2, 1, 1].all()


def test_targets_predicted_exactly_are_found_exactly() -> None:
    """A network that outputs the targets reaches AP 1 through decoding, NMS and matching."""
    task = Vehicles(VehiclesOptions(), (375, 1242), CLASSES)
    boxes = torch.tensor([[box(10, 20, 60), box(300, 100, 90), box(700, 200, 45, "van")]])
    grid = Grid.over((375, 1242), (12, 39))
    target, positive, _ = task.targets(boxes, grid)
    logits = torch.stack([~positive, positive], dim=-1).float() * 20 - 10
    stage = torch.cat([logits, target], dim=-1).transpose(1, 2).reshape(1, 6, 12, 39)
    metrics = task.accumulator(complete=True)
    metrics.update(torch.cat([torch.zeros_like(stage), stage], dim=1), {"boxes": boxes})
    found = metrics.compute()
    assert set(found) == {
        f"{kind}_{name}{suffix}"
        for name in DIFFICULTIES
        for kind, suffix in (("ap", ""), ("ap", "_iou50"), ("ap40", ""))
    }
    assert all(metric.value == pytest.approx(100) for metric in found.values())
    shown = task.shown(stage, {"boxes": boxes})
    assert (shown[0, :, 4] > 0).sum() == 3
