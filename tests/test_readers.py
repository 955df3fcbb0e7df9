"""Readers of datasets that are not bundled: on genuine samples where they are, on miniatures in the
official layouts, and on broken files. The genuine ones are looked for in ../shared/data."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import torchvision
import yaml
from new_replication import laid_out, of_pictures
from PIL import Image
from safetensors.numpy import load_file, save_file
from scipy.io import savemat

from conftest import ROOT
from replications.core.data import prepare
from replications.core.data.archives import Folder, opened
from replications.core.data.batches import read_description
from replications.core.data.cityscapes import preparation as cityscapes
from replications.core.data.cityscapes.options import CityscapesOptions
from replications.core.data.cityscapes.reader import read_instances, read_semseg
from replications.core.data.folder import preparation as own
from replications.core.data.folder.options import FolderOptions
from replications.core.data.kitti import preparation as kitti_preparation
from replications.core.data.kitti import reader as kitti
from replications.core.data.kitti.options import KITTIOptions
from replications.core.data.labels import VOID, Array, Frame
from replications.core.data.nyuv2 import preparation as nyuv2
from replications.core.data.nyuv2 import reader as nyuv2_reader
from replications.core.data.nyuv2.options import NYUv2Options
from replications.core.data.pascal_voc import preparation as pascal_voc
from replications.core.data.pascal_voc import reader as pascal_voc_reader
from replications.core.data.pascal_voc.options import PascalVOCOptions
from replications.core.data.pictures.frames import Frames, fitted
from replications.core.errors import StudyError

SAMPLES = ROOT.parent / "shared" / "data"
RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are written beside the arrays that a study names, from where it runs."""
    monkeypatch.chdir(tmp_path)


def sample(name: str) -> Path:
    """A folder of genuine samples."""
    if not (SAMPLES / name).is_dir():
        pytest.skip(f"the genuine samples of {name} are not at {SAMPLES / name}")
    return SAMPLES / name


def png(pixels: Array, kind: str = "png") -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def noise(height: int, width: int) -> Array:
    return RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8)


def zipped(path: Path, files: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def frame(height: int, width: int, boxes: list[list[float]] | None = None) -> Frame:
    return Frame(
        key="a",
        image=noise(height, width).transpose(2, 0, 1),
        semseg=RANDOM.integers(0, 5, (height, width), dtype=np.uint8),
        instances=np.zeros((height, width), np.uint16),
        depth=RANDOM.random((height, width), dtype=np.float32),
        normals=np.zeros((3, height, width), np.int8),
        boxes=np.array(boxes or [], np.float32).reshape(-1, 8),
        scene=1,
    )


# Putting frames together


def test_arrays_written_a_few_at_a_time_are_those_of_safetensors(tmp_path: Path) -> None:
    arrays: dict[str, Array] = {
        "image": RANDOM.integers(0, 256, (150, 3, 4, 5), dtype=np.uint8),
        "depth": RANDOM.random((150, 4, 5), dtype=np.float32).transpose(0, 2, 1),
        "scene": np.arange(150),
        "empty": np.zeros((150, 0, 8), np.float32),
    }
    hashes = prepare.save(arrays, tmp_path / "ours")
    save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, tmp_path / "theirs")
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    assert len(set(hashes.values())) == 4


def test_a_frame_is_fitted_to_a_size_that_does_not_divide_it() -> None:
    whole = frame(50, 80, boxes=[[8, 10, 40, 20, 0, 0, 0, 10]])
    small = fitted(whole, (30, 40))
    assert small.image.shape == (3, 30, 40)
    assert small.image.mean() == pytest.approx(whole.image.mean(), abs=1)
    assert small.boxes[0].tolist() == pytest.approx([4, 6, 20, 12, 0, 0, 0, 6])
    assert small.depth[0, 0] == whole.depth[0, 1]  # the pixels nearest to the centres
    assert small.depth[29, 39] == whole.depth[49, 79]
    assert fitted(whole, (50, 80)) is whole
    halved = fitted(whole, (25, 40))
    blocks = whole.image.reshape(3, 25, 2, 40, 2).astype(np.float32).mean(axis=(2, 4))
    assert np.array_equal(halved.image, np.rint(blocks))


def read_or_refuse(broken: tuple[str, ...], counter: Path, key: str) -> Frame:
    """A frame of its number; leaves a file for every time it is called."""
    (counter / f"{key}-{len(list(counter.glob(f'{key}-*')))}").touch()
    if key in broken:
        raise StudyError(f"frame {key}: torn")
    made = frame(8, 8, boxes=[[0, 0, 4, 4, 0, 0, 0, 4]] * (int(key) % 3))
    made.image[:] = int(key)
    return made


def frames(tmp_path: Path, broken: tuple[str, ...], count: int = 60) -> Frames:
    (tmp_path / "counter").mkdir(exist_ok=True)
    return Frames(
        read=partial(read_or_refuse, broken, tmp_path / "counter"),
        references={"train": [str(number) for number in range(count)], "val": ["7"]},
        size=(4, 4),
        labels=("semseg", "boxes", "scene"),
        folder=tmp_path / ".parts",
        made_with="this",
        refused=[],
    )


def test_frames_are_read_once_and_a_broken_one_is_counted(tmp_path: Path) -> None:
    asked = frames(tmp_path, broken=("5",))
    whole = {split: {n: a[:] for n, a in found.items()} for split, found in asked.arrays()}
    assert asked.refused == ["frame 5: torn"]
    train = whole["train"]
    assert train["image"][:, 0, 0, 0].tolist() == [n for n in range(60) if n != 5]
    assert train["boxes"].shape == (59, 2, 8)
    assert (train["boxes"][0] == -1).all()  # of a frame without boxes
    assert train["boxes"][1].tolist() == [[0, 0, 2, 2, 0, 0, 0, 2], [-1] * 8]
    assert train["scene"].dtype == np.int64
    assert whole["val"]["image"].shape == (1, 3, 4, 4)
    assert not (tmp_path / ".parts").exists()
    assert len(list((tmp_path / "counter").iterdir())) == 61


def test_reading_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    interrupted = frames(tmp_path, broken=()).arrays()
    next(interrupted)
    done = len(list((tmp_path / "counter").iterdir()))
    assert done == 60
    for _split, _arrays in frames(tmp_path, broken=()).arrays():
        pass
    assert len(list((tmp_path / "counter").iterdir())) == done + 1
    # What is left from something else is not taken for its own.
    interrupted = frames(tmp_path, broken=()).arrays()
    next(interrupted)
    other = frames(tmp_path, broken=())
    other.made_with = "that"
    next(other.arrays())
    assert len(list((tmp_path / "counter").iterdir())) == 61 + 60 + 60


def test_many_broken_frames_are_an_error_that_names_the_first(tmp_path: Path) -> None:
    broken = tuple(str(number) for number in range(10, 20))
    with pytest.raises(StudyError, match=r"10 of 60 frames refused; the first: frame 10: torn"):
        next(frames(tmp_path, broken).arrays())
    asked = frames(tmp_path, broken=())  # mended: they are read again
    next(asked.arrays())
    assert asked.refused == []


# NYUv2


def nyu_miniature(folder: Path, count: int = 24) -> tuple[Array, Array, Array]:
    """The four files of `data/nyuv2`, of small frames; images (N, H, W, 3), labels and depth."""
    folder.mkdir(parents=True)
    images = RANDOM.integers(0, 256, (count, 48, 64, 3), dtype=np.uint8)
    labels = RANDOM.integers(0, 7, (count, 48, 64), dtype=np.uint16)
    depth = RANDOM.uniform(1, 9, (count, 48, 64)).astype(np.float32)
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "w") as file:
        # MATLAB writes the last axis first.
        file["images"] = images.transpose(0, 3, 2, 1)
        file["labels"] = labels.transpose(0, 2, 1)
        file["depths"] = depth.transpose(0, 2, 1)
        scenes = file.create_dataset("scenes", (1, count), dtype=h5py.ref_dtype)
        for number in range(count):
            name = f"kitchen_{number // 2:04}"
            text = file.create_dataset(f"#refs#/{number}", data=np.array([[ord(c)] for c in name]))
            scenes[0, number] = text.ref
    train = np.arange(1, 17)[:, None]
    savemat(folder / "splits.mat", {"trainNdxs": train, "testNdxs": np.arange(17, 25)[:, None]})
    names = np.array([f"class {n}" for n in range(1, 5)], object)[None]
    kinds = np.array([[4, 2, 3, 1, 2, 4]])
    savemat(folder / "classMapping40.mat", {"className": names, "mapClass": kinds})
    coarse = np.empty((1, 1), object)
    coarse[0, 0] = (np.array([[2, 1, 2, 1]]), np.array([["soft", "hard"]], object))
    mapping = {"labels": np.array([[2, 1, 2, 1]]), "names": np.array([["soft", "hard"]], object)}
    savemat(folder / "class13Mapping.mat", {"classMapping13": mapping})
    return images, labels, depth


def test_nyuv2_from_the_official_file(tmp_path: Path) -> None:
    images, labels, depth = nyu_miniature(tmp_path / "data" / "nyuv2")
    options = NYUv2Options(size=(48, 64))
    output = tmp_path / "data" / "prepared" / "nyuv2"
    prepare.write(options, nyuv2.prepare(options), output)
    found = read_description(output)
    # Every tenth scene of the eight to train with validates: the first, of two frames.
    assert found.splits == {"train": 14, "val": 2, "test": 8}
    assert found.facts["classes"] == ["class 1", "class 2", "class 3", "class 4"]
    assert found.facts["refused"] == []
    test = load_file(output / "test.safetensors")
    assert np.array_equal(test["image"][0], images[16].transpose(2, 0, 1))
    assert np.array_equal(test["depth"][0], depth[16])
    table = np.array([VOID, 3, 1, 2, 0, 1, 3], np.uint8)
    assert np.array_equal(test["semseg"], table[labels[16:]])
    val = load_file(output / "val.safetensors")
    assert np.array_equal(val["image"][1], images[1].transpose(2, 0, 1))


def test_nyuv2_in_coarse_classes_and_broken(tmp_path: Path) -> None:
    folder = tmp_path / "nyuv2"
    nyu_miniature(folder)
    mappings = folder / "classMapping40.mat", folder / "class13Mapping.mat"
    classes = nyuv2_reader.read_classes(*mappings)
    assert classes.names == ("soft", "hard")
    assert classes.ids.tolist() == [VOID, 0, 0, 1, 1, 0, 0]
    file = folder / "nyu_depth_v2_labeled.mat"
    with pytest.raises(StudyError, match=r"frame 25: the file has frames 1 to 24"):
        nyuv2_reader.read_frame(file, classes, 25)
    few = nyuv2_reader.Classes(classes.names, classes.ids[:5])
    with pytest.raises(StudyError, match=r"frame 3: label [56]; allowed: 0-4"):
        nyuv2_reader.read_frame(file, few, 3)
    (folder / "cut.mat").write_bytes(file.read_bytes()[:5000])
    with pytest.raises(StudyError, match=r"cut\.mat: cannot be read as HDF5 .*; fetch it again"):
        nyuv2_reader.read_frame(folder / "cut.mat", classes, 1)
    (folder / "splits.mat").write_bytes(b"<html>")
    with pytest.raises(StudyError, match=r"splits\.mat: cannot be read as a file of MATLAB's"):
        nyuv2_reader.read_split(folder / "splits.mat")


def test_normals_of_a_plane_face_the_camera() -> None:
    """Of a plane n X = d with n = (2, -1, -2) / 3, seen by the camera of the dataset."""
    v, u = np.mgrid[:480, :640]
    x = (u - nyuv2_reader.CENTRE[0]) / nyuv2_reader.FOCAL[0]
    y = (v - nyuv2_reader.CENTRE[1]) / nyuv2_reader.FOCAL[1]
    depth = -2 / ((2 * x - y - 2) / 3)
    assert (depth > 0).all()
    depth[100:200, 100:200] = 0
    normals = nyuv2_reader.plane_normals(depth.astype(np.float32))
    assert (normals[:, 100:200, 100:200] == 0).all()
    known = normals[:, depth > 0].astype(float) / 127
    assert np.abs(known.T - np.array([2, -1, -2]) / 3).max() < 0.01


def test_genuine_nyu_frame() -> None:
    archive = opened(sample("nyud"))
    found = nyuv2_reader.read_png_frame(archive, "000433")
    assert found.image.shape == (3, 480, 640)
    counts = {int(k): int((found.semseg == k).sum()) for k in np.unique(found.semseg)}
    assert counts == {
        **{0: 99757, 1: 60666, 8: 6749, 10: 37236, 21: 1616, 37: 11065, 38: 53934, 39: 160},
        255: 36017,
    }
    known = found.depth > 0
    assert (found.depth[known].min(), found.depth.max()) == pytest.approx((1.498, 5.9298))
    # The normals that come with the frame were made by others, from a smoother depth.
    theirs = nyuv2_reader.png_normals(archive, "000433")
    both = known & (np.linalg.norm(theirs, axis=0) > 0)
    cosine = (theirs * found.normals / 127.0).sum(0)[both]
    angles = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    assert np.median(angles) < 4
    assert (angles < 11.25).mean() > 0.85


# Cityscapes, and KITTI's semantics


def city_miniature(folder: Path) -> dict[str, Array]:
    """The four archives, of one frame in each of four cities; what is in each frame's files."""
    ids = np.zeros((16, 32), np.uint8)
    ids[:, :8], ids[:, 8:16], ids[0:4], ids[8:, 20:] = 7, 26, 23, 29
    ids[4, 4] = 255  # a licence plate, -1
    instances = ids.astype(np.int32)
    instances[4:10, 8:12], instances[8:, 20:] = 26001, 29000
    disparity = np.full((16, 32), 1 + 256 * 20, np.uint16)
    disparity[0] = 0
    files: dict[str, dict[str, bytes]] = {
        "leftImg8bit": {},
        "gtFine": {},
        "disparity": {},
        "camera": {},
    }
    camera = {"extrinsic": {"baseline": 0.2}, "intrinsic": {"fx": 2000.0}}
    for split, city in (
        ("train", "aachen"),
        ("train", "ulm"),
        ("val", "munster"),
        ("test", "bonn"),
    ):
        key = f"{split}/{city}/{city}_000000_000019"
        files["leftImg8bit"][f"leftImg8bit/{key}_leftImg8bit.png"] = png(noise(16, 32))
        files["gtFine"][f"gtFine/{key}_gtFine_labelIds.png"] = png(ids)
        files["gtFine"][f"gtFine/{key}_gtFine_instanceIds.png"] = png(instances.astype(np.uint16))
        files["disparity"][f"disparity/{key}_disparity.png"] = png(disparity)
        files["camera"][f"camera/{key}_camera.json"] = json.dumps(camera).encode()
    for name, content in files.items():
        zipped(folder / f"{name}_trainvaltest.zip", content)
    return {"ids": ids}


def test_cityscapes_from_its_archives(tmp_path: Path) -> None:
    city_miniature(tmp_path / "data" / "cityscapes")
    options = CityscapesOptions(size=(8, 16))
    output = tmp_path / "out"
    prepare.write(options, cityscapes.prepare(options), output)
    found = read_description(output)
    assert found.splits == {"train": 1, "val": 1, "test": 1}
    assert len(found.facts["classes"]) == 19
    train = load_file(output / "train.safetensors")
    assert set(np.unique(train["semseg"]).tolist()) == {0, 10, 13, VOID}  # road, sky, car
    assert train["depth"][0, 4, 4] == pytest.approx(0.2 * 2000 / 20)
    assert train["instances"].max() == 2  # the car, and the trailer, which is of no class


def test_cityscapes_frame_by_frame(tmp_path: Path) -> None:
    city_miniature(tmp_path)
    files = {
        name: tmp_path / f"{name}_trainvaltest.zip"
        for name in ("leftImg8bit", "gtFine", "disparity", "camera")
    }
    key = "train/aachen/aachen_000000_000019"
    seven = cityscapes.read_frame(files, 7, key)
    assert set(np.unique(seven.semseg).tolist()) == {0, 4, 6, VOID}  # flat, sky, vehicle
    assert seven.semseg[4, 4] == VOID
    assert (seven.depth[0] == 0).all()
    # Cars that nobody counted have a class and no instance.
    assert (seven.instances[4:10, 8:12] == 1).all()
    assert (seven.instances[10:, 8:16] == 0).all()
    zipped(tmp_path / "camera_trainvaltest.zip", {f"camera/{key}_camera.json": b"{}"})
    opened.cache_clear()
    with pytest.raises(StudyError, match=r"aachen_000000_000019_camera\.json: not a calibration"):
        cityscapes.read_frame(files, 7, key)
    with pytest.raises(StudyError, match=r"ulm_000000_000020_gtFine_labelIds\.png: .*missing"):
        cityscapes.read_frame(files, 7, "train/ulm/ulm_000000_000020")


def test_an_unknown_id_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(np.full((4, 4), 34, np.uint8)))
    with pytest.raises(StudyError, match=r"a\.png: unknown id 34; ids are 0 to 33"):
        read_semseg(Folder(tmp_path), "a.png", 19)
    (tmp_path / "b.png").write_bytes(png(np.full((4, 4), 40_001, np.uint16)))
    with pytest.raises(StudyError, match=r"b\.png: an instance of the unknown id 40"):
        read_instances(Folder(tmp_path), "b.png", 1000)


def test_genuine_kitti_semantics() -> None:
    """The maps are sound; the images beside them are of another size, and the frames refused."""
    archive = opened(sample("kitti_semantics"))
    found = read_semseg(archive, "semantic/000001_10.png", 19)
    assert found.shape == (375, 1242)
    assert set(np.unique(found).tolist()) <= {*range(19), VOID}
    instances = read_instances(archive, "instance/000001_10.png", 256)
    assert instances.max() >= 1
    assert set(np.unique(found[instances > 0]).tolist()) <= {11, 12, 13, 14, 15, 16, 17, 18, VOID}
    with pytest.raises(
        StudyError,
        match=r"image_2/000001_10\.png: semseg is \(375, 1242\), the image \(370, 1224\)",
    ):
        kitti.read_semantics(archive, "000001_10", 19)


def kitti_miniature(folder: Path) -> None:
    """The three archives: 50 frames with a road, and 4 with objects, one of them broken."""
    truth = np.zeros((6, 12, 3), np.uint8)
    truth[..., 0], truth[3:, 3:9, 2] = 255, 255
    roads: dict[str, bytes] = {}
    for number in range(50):
        roads[f"training/image_2/um_{number:06}.png"] = png(noise(6, 12))
        roads[f"training/gt_image_2/um_road_{number:06}.png"] = png(truth)
        roads[f"training/gt_image_2/um_lane_{number:06}.png"] = png(truth * 0)
    zipped(folder / "data_road.zip", roads)
    line = "{} 0.00 1 -1.6 {} 5.00 1.7 1.9 4.1 -16.5 2.4 58.5 -1.3\n"
    text = line.format("Car", "1.00 2.00 12.30") + line.format("Cyclist", "1.00 2.00 4.00")
    texts = {f"training/label_2/{n}.txt": text.encode() for n in ("000000", "000001", "007001")}
    zipped(folder / "data_object_label_2.zip", texts | {"training/label_2/000002.txt": b"Car\n"})
    frames = ("000000", "000001", "000002", "007001")
    images = {f"training/image_2/{n}.png": png(noise(6, 12)) for n in frames}
    zipped(folder / "data_object_image_2.zip", images)


def test_kitti_from_its_archives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kitti_miniature(tmp_path / "data" / "kitti")
    options = KITTIOptions(size=(6, 12))
    prepare.write(options, kitti_preparation.prepare(options), tmp_path / "out")
    found = read_description(tmp_path / "out")
    # The first two roads; of the objects the first, and two of which one is refused.
    assert found.splits == {"train": 1 + 1, "val": 1 + 1, "test": 48 + 1}
    [refused] = found.facts["refused"]
    assert "000002.txt:1: 1 fields, a KITTI label has 15" in refused
    assert refused in capsys.readouterr().out
    train = load_file(tmp_path / "out" / "train.safetensors")
    assert (train["semseg"][0, 3:, 3:9] == 0).all()
    assert (train["semseg"][0] == 1).sum() == 6 * 12 - 18
    everywhere = kitti.BOX_CLASSES.index("dontcare")
    assert train["boxes"][0, 0].tolist() == [0, 0, 12, 6, everywhere, -1, -1, 6]
    assert (train["semseg"][1] == VOID).all()
    assert train["boxes"][1].tolist() == [[1, 2, 12, 5, 0, 1, 0, 3]]  # within the frame


# PASCAL VOC

ANNOTATION = """<annotation><filename>{key}.jpg</filename>
<object><name>car</name><truncated>1</truncated><occluded>0</occluded><difficult>0</difficult>
<bndbox><xmin>3</xmin><ymin>2</ymin><xmax>10</xmax><ymax>8</ymax></bndbox></object>
<object><name>person</name><difficult>1</difficult>
<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>4</ymax></bndbox></object>
</annotation>"""


def voc_miniature(folder: Path, count: int = 20) -> Path:
    """The tar, of small photographs: a car, void around it."""
    semseg = np.zeros((16, 24), np.uint8)
    semseg[1:8, 2:10], semseg[1], semseg[2:4, 12:14] = 7, VOID, 15
    instances = np.where(semseg == 7, 1, np.where(semseg == 15, 2, semseg)).astype(np.uint8)
    keys = [f"2007_{number:06}" for number in range(count)]
    root = "VOCdevkit/VOC2012"
    files = {
        f"{root}/ImageSets/Segmentation/train.txt": "\n".join(keys[:12]).encode(),
        f"{root}/ImageSets/Segmentation/val.txt": "\n".join(keys[12:]).encode(),
        f"{root}/ImageSets/Main/val.txt": "\n".join(keys[12:]).encode(),
    }
    for key in keys:
        files[f"{root}/JPEGImages/{key}.jpg"] = png(noise(16, 24), "jpeg")
        files[f"{root}/SegmentationClass/{key}.png"] = png(semseg)
        files[f"{root}/SegmentationObject/{key}.png"] = png(instances)
        files[f"{root}/Annotations/{key}.xml"] = ANNOTATION.format(key=key).encode()
    folder.mkdir(parents=True)
    path = folder / "VOCtrainval_11-May-2012.tar"
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_pascal_voc_from_its_archive(tmp_path: Path) -> None:
    path = voc_miniature(tmp_path / "data" / "pascal_voc")
    options = PascalVOCOptions(size=(16, 24))
    prepare.write(options, pascal_voc.prepare(options), tmp_path / "out")
    assert read_description(tmp_path / "out").splits == {"train": 10, "val": 2, "test": 8}
    test = load_file(tmp_path / "out" / "test.safetensors")
    assert test["boxes"][0].tolist() == [
        [2, 1, 10, 8, 6, 0, 1, 7],
        [0, 0, 4, 4, 14, -1, -1, 4],
    ]
    # As torchvision reads it, from the unpacked archive.
    subprocess.run(["tar", "-xf", path, "-C", tmp_path], check=True)
    pictures = torchvision.datasets.VOCSegmentation(str(tmp_path), "2012", "val")
    things = torchvision.datasets.VOCDetection(str(tmp_path), "2012", "val")
    assert len(pictures) == len(test["semseg"])
    for number, (image, target) in enumerate(pictures):
        assert np.array_equal(test["image"][number], np.array(image).transpose(2, 0, 1))
        assert np.array_equal(test["semseg"][number], np.array(target))
    [car, _person] = things[0][1]["annotation"]["object"]
    corners = [int(car["bndbox"][name]) for name in ("xmin", "ymin", "xmax", "ymax")]
    assert corners == [3, 2, 10, 8]  # pixels from 1, the last of them inside


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<name>car", "<name>ship", "unknown class 'ship'"),
        ("<xmax>10<", "<xmax>1<", "the box 3 2 1 8 of a car is empty"),
        ("<ymax>8</ymax>", "", "of a car is empty or incomplete"),
        ("</annotation>", "", "no element found"),
    ],
)
def test_a_broken_annotation_is_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "VOCdevkit" / "VOC2012" / "Annotations" / "a.xml"
    path.parent.mkdir(parents=True)
    path.write_text(ANNOTATION.replace(old, new))
    with pytest.raises(StudyError, match=rf"a\.xml: not an annotation of PASCAL VOC.*{message}"):
        pascal_voc_reader.read_boxes(Folder(tmp_path), "a")


# A dataset of one's own


def garden(folder: Path) -> Path:
    """A folder with everything that a description can name."""
    for number in range(12):
        files = {
            f"images/{number}.jpg": png(noise(40, 60), "jpeg"),
            f"masks/{number}.png": png(RANDOM.integers(0, 2, (40, 60), dtype=np.uint8)),
            f"depth/{number}.png": png(np.full((40, 60), 1500 + number, np.uint16)),
            f"boxes/{number}.txt": b"cat 1 2 11 22\n",
        }
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    for split, numbers in {"train": range(8), "val": range(8, 10), "test": range(10, 12)}.items():
        (folder / f"{split}.txt").write_text("\n".join(map(str, numbers)))
    (folder / "scenes.txt").write_text(
        "".join(f"{n} {'night' if n % 2 else 'day'}\n" for n in range(12))
    )
    (folder / "dataset.yaml").write_text(
        """
title: Our garden
licence: ours
splits: {train: train.txt, val: val.txt, test: test.txt}
image: images/*.jpg
semseg: {file: masks/*.png, classes: [lawn, path]}
depth: {file: depth/*.png, metres: 0.001}
boxes: {file: boxes/*.txt, classes: [cat, dog]}
scene: {file: scenes.txt, classes: [day, night]}
"""
    )
    return folder


def test_a_replication_is_laid_out_on_pictures_of_ones_own(tmp_path: Path) -> None:
    folder = garden(tmp_path / "garden")
    replaced = of_pictures(str(folder))
    made = laid_out("my_garden", tmp_path, replaced) / "replication.yaml"
    settings = yaml.safe_load(made.read_text())["settings"]
    assert settings["data"] == {"name": "folder", "path": str(folder), "size": [32, 64]}
    assert set(settings["tasks"]) == {"semseg", "depth"}
    path = folder / "dataset.yaml"
    text = path.read_text()
    path.write_text("\n".join(line for line in text.splitlines() if "depth" not in line))
    replaced = of_pictures(str(folder))
    made = laid_out("my_edges", tmp_path, replaced) / "replication.yaml"
    assert set(yaml.safe_load(made.read_text())["settings"]["tasks"]) == {"semseg", "edges"}
    path.write_text("\n".join(line for line in text.splitlines() if "semseg" not in line))
    with pytest.raises(ValueError, match=r"dataset\.yaml: has no `semseg`"):
        of_pictures(str(folder))


def test_many_pictures_are_read_by_all_cores(tmp_path: Path) -> None:
    folder = garden(tmp_path / "garden")
    (folder / "train.txt").write_text("\n".join(str(number % 8) for number in range(120)))
    made = own.prepare(FolderOptions(path=str(folder), size=(20, 30)))
    split, arrays = next(iter(made.splits))
    depth = arrays["depth"][0:120]
    assert split == "train"
    assert depth[:, 0, 0] == pytest.approx([(1500 + number % 8) / 1000 for number in range(120)])


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    folder = garden(tmp_path / "garden")
    options = FolderOptions(path=str(folder), size=(20, 30))
    assert options.labels == ("semseg", "depth", "boxes", "scene")
    output = tmp_path / "out"
    made = own.prepare(options)
    prepare.write(options, made, output)
    assert read_description(output).splits == {"train": 8, "val": 2, "test": 2}
    test = load_file(output / "test.safetensors")
    assert test["depth"][1, 3, 3] == pytest.approx(1.511)
    assert test["boxes"].tolist() == [[[0.5, 1, 5.5, 11, 0, 0, 0, 10]]] * 2
    assert test["scene"].tolist() == [0, 1]
    assert made.facts["classes"] == ("lawn", "path")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("masks/10.png", png(np.full((40, 60), 9, np.uint8)), r"semseg has ids \[9\]"),
        ("masks/10.png", png(np.zeros((40, 61), np.uint8)), r"semseg is \(40, 61\), the image"),
        ("images/10.jpg", png(noise(40, 60), "jpeg")[:300], r"10\.jpg: cannot be read as an image"),
        ("boxes/10.txt", b"cow 1 2 3 4\n", r"10\.txt:1: 'cow 1 2 3 4' is not one of cat, dog"),
        ("boxes/10.txt", b"cat 1 2 99 4\n", "box 0 is empty or leaves the image"),
    ],
    ids=["class", "size", "cut", "line", "outside"],
)
def test_a_broken_picture_of_ones_own_is_named(
    file: str, content: bytes, message: str, tmp_path: Path
) -> None:
    folder = garden(tmp_path / "garden")
    (folder / file).write_bytes(content)
    description = FolderOptions(path=str(folder), size=(20, 30)).description
    with pytest.raises(StudyError, match=message):
        own.read_frame(folder, description, "10")


def test_a_wrong_description_is_refused(tmp_path: Path) -> None:
    folder = garden(tmp_path / "garden")
    path = folder / "dataset.yaml"
    text = path.read_text()
    options = FolderOptions(path=str(folder), size=(20, 30))
    for old, new, message in [
        ("masks/*.png", "masks.png", r"has to have \* once"),
        (", test: test.txt", "", "lacks test"),
        ("licence: ours", "license: ours", "licence"),
    ]:
        path.write_text(text.replace(old, new))
        with pytest.raises(StudyError, match=message):
            _ = options.model_copy().description
    path.unlink()
    with pytest.raises(ValueError, match=r"dataset\.yaml: missing"):
        _ = options.model_copy().description
