"""KITTI's frames with roads, and those with objects, as arrays of one dataset.

The split is that of MultiNet's authors: of the 289 frames with roads the last 48 test, of the 7,481
with objects those from 7,000 on, which are nearly the same as others before them. One in so many of
the rest validates.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from replications.core.data.archives import Archive, opened
from replications.core.data.kitti import reader
from replications.core.data.kitti.options import KITTIOptions
from replications.core.data.labels import Array, Frame, check_frame
from replications.core.data.pictures.frames import frame_with, prepared_frames
from replications.core.data.prepare import Prepared
from replications.core.errors import StudyError
from replications.core.files import md5_of

_TEST_ROADS, _FIRST_TEST_OBJECT = 48, "007000"
_VALIDATES = 20


def prepare(options: KITTIOptions, source: Path = Path("data/kitti")) -> Prepared:
    """The dataset at a size.

    Raises:
        StudyError: an archive is missing or damaged, or more than a few frames are not valid.
    """
    road, labels, images = (source / Path(path).name for path in options.sources)
    md5 = {path.stem: md5_of(path) for path in (road, labels, images)}
    return prepared_frames(
        options,
        read=partial(read_frame, road, labels, images),
        references=splits(opened(road), opened(labels)),
        md5=md5,
        classes=reader.ROAD_CLASSES,
        colours=[(128, 64, 128), (160, 160, 160)],
        box_classes=reader.BOX_CLASSES,
    )


def splits(road: Archive, labels: Archive) -> dict[str, list[str]]:
    """The frames of each split, such as `road um_000000` and `object 000000`."""
    roads = [f"road {key}" for key in _keys(road, "training/image_2/", ".png")]
    objects = [f"object {key}" for key in _keys(labels, "training/label_2/", ".txt")]
    test = roads[-_TEST_ROADS:]
    test += [key for key in objects if key >= f"object {_FIRST_TEST_OBJECT}"]
    kinds = [[key for key in kind if key not in set(test)] for kind in (roads, objects)]
    return {
        "train": [key for kind in kinds for n, key in enumerate(kind) if n % _VALIDATES],
        "val": [key for kind in kinds for key in kind[::_VALIDATES]],
        "test": test,
    }


def read_frame(road: Path, labels: Path, images: Path, reference: str) -> Frame:
    """A frame with the labels it has: of the other kind nothing is known, so its map is void, or
    one area that does not count covers it.

    Raises:
        StudyError: a file is missing or broken, or its labels are not valid.
    """
    kind, key = reference.split()
    known: dict[str, Array]
    if kind == "road":
        place, number = key.split("_")
        name = f"training/image_2/{key}.png"
        truth = f"training/gt_image_2/{place}_road_{number}.png"
        image, semseg = reader.read_road(opened(road), name, truth)
        _, height, width = image.shape
        unknown = reader.BOX_CLASSES.index("dontcare")
        area = [0, 0, width, height, unknown, -1, -1, height]
        known = {"semseg": semseg, "boxes": np.array([area], np.float32)}
    else:
        image = opened(images).image(f"training/image_2/{key}.png")
        boxes = reader.read_boxes(opened(labels), f"training/label_2/{key}.txt")
        # Boxes reach a fraction of a pixel beyond the frame.
        _, height, width = image.shape
        boxes[:, [0, 2]] = boxes[:, [0, 2]].clip(0, width)
        boxes[:, [1, 3]] = boxes[:, [1, 3]].clip(0, height)
        known = {"boxes": boxes}
    frame = frame_with(reference, image, **known)
    if problems := check_frame(frame, len(reader.ROAD_CLASSES), things=()):
        raise StudyError(f"{reference}: {'; '.join(problems)}")
    return frame


def _keys(archive: Archive, start: str, end: str) -> list[str]:
    return [
        name.removeprefix(start).removesuffix(end)
        for name in archive.names()
        if name.startswith(start) and name.endswith(end)
    ]
