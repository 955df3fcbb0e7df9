"""Readers of KITTI's genuine formats: object labels, road ground truth, semantics, street classes.

Object: http://www.cvlibs.net/datasets/kitti/eval_object.php (Geiger et al., CVPR 2012). Road:
eval_road.php (Fritsch et al., ITSC 2013). Street classes: the lists of the authors' KittiClass.
"""

from __future__ import annotations

import numpy as np

from replications.core.data.archives import Archive
from replications.core.data.cityscapes import reader as cityscapes
from replications.core.data.cityscapes.preparation import street_checked
from replications.core.data.labels import VOID, Array, Frame
from replications.core.data.pictures.frames import frame_with
from replications.core.errors import StudyError

BOX_CLASSES = ("car", "van", "truck", "dontcare")
"""Classes kept as boxes; pedestrians, cyclists, trams and the rest are not."""
_OTHERS = {"Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc"}
_FIELDS = 15
ROAD_CLASSES = ("road", "other")
STREETS = (
    *("living_street", "motorway", "primary", "residential", "secondary", "service"),
    *("tertiary", "track", "trunk", "unclassified"),
)
"""Values of OpenStreetMap's key `highway` in the lists."""
MAJOR = frozenset({"trunk", "motorway", "primary"})
"""The streets of the positive class (authors' code)."""
SCENES = ("minor", "major")


def read_boxes(archive: Archive, name: str) -> Array:
    """(M, 8) float32, the columns of `labels.BOX_FIELDS`, of a file of `label_2`.

    DontCare areas have occlusion and truncation -1, as in the file.

    Raises:
        StudyError: naming the file, the line and what is wrong with it.
    """
    rows = []
    for number, line in enumerate(_lines(archive, name), 1):
        fields = line.split()
        where = f"{archive.where(name)}:{number}"
        if len(fields) != _FIELDS:
            raise StudyError(f"{where}: {len(fields)} fields, a KITTI label has {_FIELDS}")
        kind = fields[0].lower()
        if kind not in BOX_CLASSES:
            if fields[0] not in _OTHERS:
                known = ", ".join([*BOX_CLASSES, *sorted(_OTHERS)])
                raise StudyError(f"{where}: unknown class '{fields[0]}'; known: {known}")
            continue
        try:
            truncation, occlusion, _, x1, y1, x2, y2 = map(float, fields[1:8])
        except ValueError:
            raise StudyError(f"{where}: not numbers: {' '.join(fields[1:8])}") from None
        if not (x1 < x2 and y1 < y2):
            raise StudyError(f"{where}: the box {x1} {y1} {x2} {y2} is empty")
        rows.append([x1, y1, x2, y2, BOX_CLASSES.index(kind), occlusion, truncation, y2 - y1])
    return np.array(rows, np.float32).reshape(-1, 8)


def read_road(archive: Archive, image: str, ground_truth: str) -> tuple[Array, Array]:
    """Image uint8 (3, H, W) and semantic map uint8 (H, W): 0 road, 1 other, 255 not evaluated.

    In the ground truth red marks what is evaluated and blue, with it, the road or lane.

    Raises:
        StudyError: a file cannot be read, the sizes differ, or a colour is none of KITTI's.
    """
    pixels, colours = archive.image(image), archive.image(ground_truth)
    where = archive.where(ground_truth)
    if pixels.shape != colours.shape:
        raise StudyError(f"{where}: is {colours.shape[1:]}, {image} is {pixels.shape[1:]}")
    red, green, blue = (channel > 127 for channel in colours)
    if green.any() or (blue & ~red).any():
        raise StudyError(f"{where}: has colours other than black, red and magenta")
    return pixels, np.where(red, np.where(blue, 0, 1), VOID).astype(np.uint8)


def read_streets(archive: Archive, name: str) -> list[tuple[str, int]]:
    """(frame of the raw data, index into `SCENES`) of each line of a list of street classes.

    Raises:
        StudyError: naming the file, the line and what is wrong with it.
    """
    result = []
    for number, line in enumerate(_lines(archive, name), 1):
        fields = line.split()
        if len(fields) != 2 or fields[1] not in STREETS:
            raise StudyError(
                f"{archive.where(name)}:{number}: '{line}' is not a frame and one of "
                f"{', '.join(STREETS)}"
            )
        result.append((fields[0], SCENES.index("major" if fields[1] in MAJOR else "minor")))
    return result


def read_semantics(archive: Archive, key: str, classes: int) -> Frame:
    """A frame of `data_semantics`: `image_2/KEY.png`, `semantic/KEY.png` of Cityscapes' ids, and
    `instance/KEY.png` with 256 times the class plus a number.

    Raises:
        StudyError: a file is missing or broken, or of another size than the image.
    """
    frame = frame_with(
        key,
        archive.image(f"image_2/{key}.png"),
        semseg=cityscapes.read_semseg(archive, f"semantic/{key}.png", classes),
        instances=cityscapes.read_instances(archive, f"instance/{key}.png", 256),
    )
    return street_checked(frame, classes, archive.where(f"image_2/{key}.png"))


def _lines(archive: Archive, name: str) -> list[str]:
    """The lines of a text file that are not empty."""
    try:
        text = archive.read(name).decode("utf-8")
    except UnicodeDecodeError as error:
        raise StudyError(f"{archive.where(name)}: cannot be read ({error})") from None
    return [line for line in text.splitlines() if line.strip()]
