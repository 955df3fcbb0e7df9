"""Things in a picture, COCO's average precision, and what the mask branch adds."""

from __future__ import annotations

import contextlib
import io
from typing import Any, cast

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor

from replications.core.data.batches import Batch, Split
from replications.core.engine.floor import Blind, fit
from replications.core.nets.learner import Moment
from replications.mask_rcnn.model import MaskRCNN, build_model
from replications.mask_rcnn.objects.options import ObjectsOptions
from replications.mask_rcnn.objects.task import (
    FIELDS,
    MASK,
    Objects,
    box_iou,
    mask_iou,
    pasted,
    things_in,
)
from replications.mask_rcnn.options import ModelOptions

SIZE = (64, 96)
PERSON, VEHICLE = 9, 10


def objects(name: str = "objects", **options: Any) -> Objects:
    return Objects(name, ObjectsOptions.model_validate(options), SIZE, [PERSON, VEHICLE])


def scene(seed: int, count: int = 6) -> dict[str, Tensor]:
    """Rectangles that hide each other, as maps of one picture."""
    random = np.random.RandomState(seed)
    instances = torch.zeros(1, *SIZE, dtype=torch.int64)
    semseg = torch.zeros_like(instances)
    for number in range(1, count + 1):
        y, x = random.randint(50), random.randint(80)
        height, width = random.randint(3, 14), random.randint(3, 16)
        instances[0, y : y + height, x : x + width] = number
        semseg[0, y : y + height, x : x + width] = random.choice([PERSON, VEHICLE])
    return {"instances": instances, "semseg": semseg}


def test_boxes_follow_from_what_is_seen() -> None:
    instances = torch.zeros(8, 10, dtype=torch.int64)
    instances[1:4, 2:7] = 3
    instances[6, 9] = 5
    semseg = torch.where(instances > 0, VEHICLE, 0)
    semseg[1, 2] = PERSON  # an edge
    found = things_in(instances, semseg, [PERSON, VEHICLE], least=2)
    assert found.boxes.tolist() == [[2, 1, 7, 4], [9, 6, 10, 7]]
    assert found.classes.tolist() == [1, 1]
    assert found.tiny.tolist() == [False, True]
    assert torch.equal(found.masks[0], instances == 3)
    assert len(things_in(instances * 0, semseg, [PERSON], 1).boxes) == 0


def detections(task: Objects, labels: dict[str, Tensor], seed: int) -> Tensor:
    """What is there, moved, with random scores and a few that are wrong: (1, K, 6 + 28 * 28)."""
    random = torch.Generator().manual_seed(seed)
    [things] = task.found(labels)
    boxes = things.boxes + torch.randint(-2, 3, things.boxes.shape, generator=random)
    boxes = torch.cat([boxes, torch.tensor([[5.0, 5.0, 30.0, 20.0]]), boxes[:2] + 1])
    boxes[:, 2:] = torch.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    classes = torch.cat([things.classes, torch.tensor([0]), 1 - things.classes[:2]])
    scores = torch.rand(len(boxes), generator=random)
    drawn = torch.randn(len(boxes), MASK * MASK, generator=random) + 1.5
    return torch.cat([boxes, scores[:, None], classes[:, None], drawn], dim=1)[None]


@pytest.fixture(scope="module")
def judged() -> tuple[dict[str, float], dict[str, float]]:
    """Our metrics of twelve pictures and those of pycocotools."""
    task = objects(small=0.02)
    ours = task.accumulator(True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    found: dict[str, list[dict[str, Any]]] = {"bbox": [], "segm": []}
    for number in range(12):
        labels = scene(number)
        rows = detections(task, labels, number)
        ours.update(rows, labels)
        images.append({"id": number, "height": SIZE[0], "width": SIZE[1]})
        [things] = task.found(labels)
        for box, kind, mask, tiny in zip(
            things.boxes.tolist(), things.classes.tolist(), things.masks, things.tiny, strict=True
        ):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": kind,
                    "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
                    "area": float(mask.sum()),
                    "iscrowd": 0,
                    "ignore": int(tiny),
                    "segmentation": coco_mask.encode(np.asfortranarray(mask.numpy(), np.uint8)),
                }
            )
        masks = pasted(rows[0], SIZE)
        for row, mask in zip(rows[0].tolist(), masks, strict=True):
            shared = {"image_id": number, "score": row[4], "category_id": int(row[5])}
            box = [row[0], row[1], row[2] - row[0], row[3] - row[1]]
            found["bbox"].append(shared | {"bbox": box})
            encoded = coco_mask.encode(np.asfortranarray(mask.numpy(), np.uint8))
            found["segm"].append(shared | {"segmentation": encoded})
    theirs = {}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {},
            "images": images,
            "annotations": annotations,
            "categories": [{"id": 0}, {"id": 1}],
        }
        truth.createIndex()
        for kind, own in found.items():
            judge = COCOeval(truth, truth.loadRes(own), kind)
            limit = task.small
            judge.params.areaRng = [[0, 1e10], [0, limit - 0.5], [limit - 0.5, 1e10]]
            judge.params.areaRngLbl = ["all", "small", "large"]
            evaluate(judge)
            precisions = judge.eval["precision"]  # (T, R, K, A, M)
            theirs[kind] = {
                name: 100 * precisions[level, :, :, size, -1].mean()
                for name, level, size in (
                    ("ap", slice(None), 0),
                    ("ap50", 0, 0),
                    ("ap75", 5, 0),
                    ("ap_small", slice(None), 1),
                    ("ap_large", slice(None), 2),
                )
            }
    metrics = {name: metric.value for name, metric in ours.compute().items()}
    return metrics, theirs["bbox"] | {"mask_ap": theirs["segm"]["ap"]}


def evaluate(judge: Any) -> None:
    """As pycocotools does, but things may be passed over without being crowds."""
    prepare = judge._prepare

    def prepared() -> None:
        wanted = {own["id"]: own["ignore"] for own in judge.cocoGt.dataset["annotations"]}
        prepare()
        for things in judge._gts.values():
            for own in things:
                own["ignore"] = wanted[own["id"]]

    judge._prepare = prepared
    judge.evaluate()
    judge.accumulate()


@pytest.mark.parametrize("metric", ["ap", "ap50", "ap75", "ap_small", "ap_large", "mask_ap"])
def test_average_precision_is_that_of_coco(
    judged: tuple[dict[str, float], dict[str, float]], metric: str
) -> None:
    ours, theirs = judged
    assert 0 < theirs[metric] < 100
    assert ours[metric] == pytest.approx(theirs[metric], abs=1e-6)


def test_a_split_in_parts_is_the_split() -> None:
    task = objects()
    whole, *parts = (task.accumulator(True) for _ in range(4))
    for number, part in enumerate(parts):
        labels = scene(number)
        rows = detections(task, labels, number)
        whole.update(rows, labels)
        part.update(rows, labels)
    parts[0].merge(parts[1:])
    assert parts[0].compute() == whole.compute()
    assert task.accumulator(True).compute() == {}


def test_overlaps() -> None:
    one, other = torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]])
    assert box_iou(one, other).item() == pytest.approx(1 / 3)
    masks = torch.zeros(2, 4, 4, dtype=torch.bool)
    masks[0, :2], masks[1, 1:3] = True, True
    assert mask_iou(masks, masks).tolist() == [[1, pytest.approx(1 / 3)], [pytest.approx(1 / 3), 1]]


def test_a_mask_lies_where_its_box_is() -> None:
    row = torch.full((1, FIELDS + MASK * MASK), 5.0)
    row[0, :4] = torch.tensor([10.0, 4.0, 30.0, 16.0])
    found = pasted(row, SIZE)[0]
    assert found[4:16, 10:30].all()
    assert found.sum() == 12 * 20


def network(*tasks: str) -> MaskRCNN:
    options = ModelOptions(
        encoder="thin", width=4, pretrained=False, pyramid=8, hidden=8, detections=5
    )
    return build_model(dict.fromkeys(tasks, 2), options, 0)


def batch() -> Batch:
    pictures = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    first, second = scene(0), scene(1)
    return Batch(pictures, {name: torch.cat([first[name], second[name]]) for name in first})


def test_the_floor_knows_where_things_often_are() -> None:
    """A vehicle at one place in every picture, a person at another in half of them, and a third
    thing anywhere: what is the same in every picture finds the first two."""
    random = np.random.RandomState(0)
    instances = torch.zeros(12, *SIZE, dtype=torch.int64)
    semseg = torch.zeros_like(instances)
    for number in range(12):
        places = [(40, 10, VEHICLE), (20, 60, PERSON)][: 1 + number % 2]
        places += [(random.randint(30), random.randint(50), VEHICLE)]
        for index, (y, x, kind) in enumerate(places, 1):
            instances[number, y : y + 12, x : x + 16] = index
            semseg[number, y : y + 12, x : x + 16] = kind

    class Pictures:
        def __len__(self) -> int:
            return 12

        def batch(self, indices: Tensor) -> Batch:
            labels = {"instances": instances[indices], "semseg": semseg[indices]}
            return Batch(torch.zeros(len(indices), 3, *SIZE), labels)

    task: Any = objects()
    blind, pictures = Blind({"objects": torch.zeros(1, 8, FIELDS)}), cast(Split, Pictures())
    fit(blind, {"objects": task}, pictures)
    whole = pictures.batch(torch.arange(12))
    metrics = task.accumulator(True)
    metrics.update(blind.predict(whole.inputs)["objects"].detach(), whole.labels)
    found = blind.predict(whole.inputs)["objects"][0].detach()
    best = found[found[:, 4].argmax()]
    assert best[:4].tolist() == pytest.approx([10, 40, 26, 52], abs=1)
    assert best[4:].tolist() == pytest.approx([1, 1], abs=0.15)
    # Of vehicles half are found and nothing else; all persons are, and as often none is there.
    assert metrics.compute()["ap50"].value == pytest.approx(50, abs=8)


def test_the_branch_is_all_that_differs() -> None:
    plain, masked = network("objects"), network("objects", "masks")
    own = dict(masked.named_parameters())
    for name, values in plain.named_parameters():
        assert torch.equal(values, own.pop(name))
    assert all(name.startswith("heads.mask_") for name in own)
    moment = Moment(0, 10, "train")
    tasks: dict[str, Any] = {name: objects(name) for name in ("objects", "masks")}
    losses = []
    for learner, names in ((plain, ["objects"]), (masked, ["objects", "masks"])):
        torch.manual_seed(0)
        found = learner.train().losses(batch(), {name: tasks[name] for name in names}, moment)
        assert list(found.by_task) == names
        losses.append(found.by_task["objects"])
    assert losses[0] == losses[1]


def test_predictions_hold_masks_where_they_were_learned() -> None:
    with torch.no_grad():
        plain = network("objects").eval().predict(batch().inputs)["objects"]
        masked = network("objects", "masks").eval().predict(batch().inputs)["objects"]
    assert plain.shape == (2, 5, FIELDS)
    assert masked.shape == (2, 5, FIELDS + MASK * MASK)
    assert torch.allclose(plain, masked[..., :FIELDS], atol=1e-5)


def test_inference_costs_no_masks() -> None:
    plain, masked = (network(*names).eval() for names in (["objects"], ["objects", "masks"]))
    counts = [sum(p.numel() for p in own.inference_parameters()) for own in (plain, masked)]
    assert counts[0] == counts[1]
    with torch.no_grad():
        assert masked(batch().inputs)["objects"].shape == (2, 5, FIELDS)
        assert masked.predict(batch().inputs)["objects"].shape == (2, 5, FIELDS + MASK * MASK)


def test_it_learns_what_it_is_shown() -> None:
    torch.manual_seed(0)
    learner, shown = network("objects", "masks"), batch()
    tasks: dict[str, Any] = {name: objects(name) for name in ("objects", "masks")}
    optimizer = torch.optim.Adam(learner.parameters(), lr=0.01)
    totals = []
    for step in range(25):
        optimizer.zero_grad()
        found = learner.losses(shown, tasks, Moment(step, 25, "train")).by_task
        total = found["objects"] + found["masks"]
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    assert np.mean(totals[-5:]) < 0.75 * np.mean(totals[:5])
