"""PASCAL VOC's maps and boxes as it distributes them (Everingham et al., IJCV 2010)."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from replications.core.data.archives import Archive
from replications.core.data.labels import VOID, Array, Frame, check_frame
from replications.core.data.pictures.frames import frame_with
from replications.core.errors import StudyError

CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat"),
    *("chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant"),
    *("sheep", "sofa", "train", "tvmonitor"),
)
"""Of the semantic map; boxes have those after the first."""
BOX_CLASSES = CLASSES[1:]
_ROOT = "VOCdevkit/VOC2012"


def read_list(archive: Archive, name: str) -> list[str]:
    """The photographs of a list of `ImageSets/Segmentation`, such as `train`."""
    return archive.read(f"{_ROOT}/ImageSets/Segmentation/{name}.txt").decode().split()


def read_boxes(archive: Archive, key: str) -> Array:
    """(M, 8) float32, the columns of `labels.BOX_FIELDS`.

    In the file corners are pixels from 1, both of them inside; here they are the edges. What is
    occluded or truncated has 1 for it, and what the annotators called difficult -1 for both.

    Raises:
        StudyError: the file is missing, no annotation, or names a class that there is not.
    """
    name = f"{_ROOT}/Annotations/{key}.xml"
    where = archive.where(name)
    try:
        root = ElementTree.fromstring(archive.read(name))
        rows = [_box(thing) for thing in root.iterfind("object")]
    except (ElementTree.ParseError, TypeError, ValueError) as error:
        raise StudyError(f"{where}: not an annotation of PASCAL VOC ({error})") from None
    return np.array(rows, np.float32).reshape(-1, 8)


def _box(thing: ElementTree.Element) -> list[float]:
    name = thing.findtext("name", "")
    if name not in BOX_CLASSES:
        raise ValueError(f"unknown class '{name}'")
    x1, y1, x2, y2 = (
        float(thing.findtext(f"bndbox/{corner}", "nan"))
        for corner in ("xmin", "ymin", "xmax", "ymax")
    )
    if not (x1 <= x2 and y1 <= y2):
        raise ValueError(f"the box {x1:g} {y1:g} {x2:g} {y2:g} of a {name} is empty or incomplete")
    hidden, cut = (int(thing.findtext(what) or 0) for what in ("occluded", "truncated"))
    if int(thing.findtext("difficult") or 0):
        hidden = cut = -1
    return [x1 - 1, y1 - 1, x2, y2, BOX_CLASSES.index(name), hidden, cut, y2 - y1 + 1]


def read_frame(archive: Archive, key: str) -> Frame:
    """A photograph with its maps and boxes, checked.

    Raises:
        StudyError: a file is missing or broken, or they do not agree.
    """
    semseg = archive.map(f"{_ROOT}/SegmentationClass/{key}.png").astype(np.uint8)
    instances = archive.map(f"{_ROOT}/SegmentationObject/{key}.png").astype(np.uint16)
    frame = frame_with(
        key,
        archive.image(f"{_ROOT}/JPEGImages/{key}.jpg"),
        semseg=semseg,
        # Edges between things are void there too.
        instances=np.where(instances == VOID, 0, instances).astype(np.uint16),
        boxes=read_boxes(archive, key),
    )
    problems = check_frame(frame, len(CLASSES), things=tuple(range(1, len(CLASSES))))
    if problems:
        raise StudyError(f"{archive.where(key)}: {'; '.join(problems)}")
    return frame
