"""Reader of Streets: tar archives of JPEG images, PNG label maps and JSON boxes.

`data/README.md` is the dataset's card; `data/rendering` made it.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from replications.core.data.labels import Array, Frame, check_frame
from replications.core.errors import StudyError

CLASSES = (
    "road",
    "sidewalk",
    "building",
    "fence",
    "pole",
    "sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "vehicle",
)
COLOURS = (
    (128, 64, 128),
    (244, 35, 232),
    (70, 70, 70),
    (190, 153, 153),
    (153, 153, 153),
    (220, 220, 0),
    (107, 142, 35),
    (152, 251, 152),
    (70, 130, 180),
    (220, 20, 60),
    (0, 0, 142),
)
"""Colours of the classes: those Cityscapes uses."""
THINGS = (CLASSES.index("person"), CLASSES.index("vehicle"))
SCENES = ("residential", "urban", "highway")
BOX_CLASSES = ("car", "van", "truck")
SIZE = (128, 256)
FOCAL = 201.0
"""Pixels: the unit of inverse depth, of a 65 degree field of view; frames have 60 to 70 degrees."""
SPLITS = {"train": 480, "val": 120, "test": 200}
PARTS = ("image.jpg", "semseg.png", "instances.png", "depth.png", "normals.png", "labels.json")


def read_split(archive: Path) -> Iterator[Frame]:
    """The frames of one split, checked, in the archive's order.

    Raises:
        StudyError: the archive is missing, truncated or holds an invalid frame; named.
    """
    split = archive.stem
    count = 0
    for key, parts in _members(archive):
        missing = [part for part in PARTS if part not in parts]
        if missing:
            raise StudyError(f"{archive}: frame {key} lacks {', '.join(missing)}")
        frame = _decoded(archive, key, parts)
        if frame.image.shape[1:] != SIZE:
            raise StudyError(f"{archive}: frame {key} is {frame.image.shape[1:]}, not {SIZE}")
        problems = check_frame(frame, len(CLASSES), THINGS)
        if problems:
            raise StudyError(f"{archive}: frame {key}: {'; '.join(problems)}")
        count += 1
        yield frame
    if count != SPLITS[split]:
        raise StudyError(f"{archive}: {count} frames, the split '{split}' has {SPLITS[split]}")


def _members(archive: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """(key, parts) of each frame; the parts of a frame are neighbours in the archive."""
    key, parts = "", dict[str, bytes]()
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name, _, part = member.name.partition(".")
                content = tar.extractfile(member)
                if content is None:
                    raise StudyError(f"{archive}: {member.name} is not a file")
                if name != key and parts:
                    yield key, parts
                    parts = {}
                key = name
                parts[part] = content.read()
    except (tarfile.TarError, EOFError) as error:
        raise StudyError(f"{archive}: broken archive after frame '{key}': {error}") from None
    if parts:
        yield key, parts


def _decoded(archive: Path, key: str, parts: dict[str, bytes]) -> Frame:
    """Decode the six parts of a frame."""
    try:
        images = {p: np.array(Image.open(io.BytesIO(parts[p]))) for p in PARTS[:-1]}
        labels = json.loads(parts["labels.json"])
        boxes, scene = _boxes(labels["boxes"]), SCENES.index(labels["scene"])
    except (UnidentifiedImageError, OSError, ValueError, KeyError, SyntaxError) as error:
        raise StudyError(f"{archive}: frame {key} cannot be decoded: {error!r}") from None
    normals = images["normals.png"].astype(np.int16) - 128
    normals[(images["normals.png"] == 0).all(axis=-1)] = 0
    return Frame(
        key=key,
        image=images["image.jpg"].transpose(2, 0, 1),
        semseg=images["semseg.png"],
        instances=images["instances.png"].astype(np.uint16),
        depth=images["depth.png"].astype(np.float32) / 256,
        normals=normals.astype(np.int8).transpose(2, 0, 1),
        boxes=boxes,
        scene=scene,
    )


def _boxes(boxes: list[dict[str, Any]]) -> Array:
    """(M, 8) float32, the columns of `labels.BOX_FIELDS`."""
    rows = [
        [
            *box["box"],
            BOX_CLASSES.index(box["class"]),
            box["occlusion"],
            box["truncation"],
            box["height"],
        ]
        for box in boxes
    ]
    return np.array(rows, np.float32).reshape(-1, 8)
