"""Cityscapes' maps as it distributes them (Cordts et al., CVPR 2016), and KITTI's of the same ids.

Ids are those of the devkit: 34 classes, of which 19 are evaluated, in 7 groups. Disparity d is kept
as 256 d + 1 in 16 bits, 0 where there is none.
"""

from __future__ import annotations

import json

import numpy as np

from replications.core.data.archives import Archive
from replications.core.data.labels import VOID, Array
from replications.core.errors import StudyError

SIZE = (1024, 2048)
EVALUATED = {
    **{7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole"},
    **{19: "traffic light", 20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky"},
    **{24: "person", 25: "rider", 26: "car", 27: "truck", 28: "bus", 31: "train"},
    **{32: "motorcycle", 33: "bicycle"},
}
"""The 19 classes by their ids, in their order."""
COLOURS = (
    *((128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153)),
    *((153, 153, 153), (250, 170, 30), (220, 220, 0), (107, 142, 35), (152, 251, 152)),
    *((70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100)),
    *((0, 80, 100), (0, 0, 230), (119, 11, 32)),
)
"""Of the 19, the devkit's."""
GROUPS = {
    **{"flat": range(7, 11), "construction": range(11, 17), "object": range(17, 21)},
    **{"nature": range(21, 23), "sky": range(23, 24), "human": range(24, 26)},
    "vehicle": range(26, 34),
}
"""The 7 groups by the ids of their classes."""
GROUP_COLOURS = (
    *((128, 64, 128), (70, 70, 70), (220, 220, 0), (107, 142, 35), (70, 130, 180)),
    *((220, 20, 60), (0, 0, 142)),
)
LARGEST = 33
THINGS = range(24, 34)
"""Ids of the classes that come in instances."""


def names(classes: int) -> tuple[str, ...]:
    """The 19 classes, or the 7 groups."""
    return tuple(EVALUATED.values() if classes == 19 else GROUPS)


def colours(classes: int) -> tuple[tuple[int, int, int], ...]:
    """Of the 19 classes, or of the 7 groups."""
    return COLOURS if classes == 19 else GROUP_COLOURS


def things(classes: int) -> list[int]:
    """Which of the 19 classes, or of the 7 groups, come in instances."""
    if classes == 19:
        return [place for place, own in enumerate(EVALUATED) if own in THINGS]
    return [place for place, ids in enumerate(GROUPS.values()) if set(ids) <= set(THINGS)]


def read_semseg(archive: Archive, name: str, classes: int) -> Array:
    """uint8 (H, W): the 19 classes or 7 groups of a map of ids, 255 elsewhere.

    Raises:
        StudyError: the file is missing or broken, or has an id that there is not.
    """
    ids = archive.map(name)
    if ids.max() > LARGEST:
        # -1, of licence plates, is 255 in a byte.
        ids = np.where(ids == 255, 0, ids)
        if ids.max() > LARGEST:
            raise StudyError(
                f"{archive.where(name)}: unknown id {ids.max()}; ids are 0 to {LARGEST}"
            )
    table = np.full(LARGEST + 1, VOID, np.uint8)
    groups = [[own] for own in EVALUATED] if classes == 19 else [*GROUPS.values()]
    for place, own in enumerate(groups):
        table[list(own)] = place
    return table[ids]


def read_instances(archive: Archive, name: str, per_class: int) -> Array:
    """uint16 (H, W): a number for each instance of the image, from 1, 0 elsewhere.

    Cityscapes gives an instance 1,000 times its class (`per_class`) plus a number, and crowds, of
    which nobody counted the members, their class alone. KITTI gives 256 times the class plus a
    number that is 0 where there is none.

    Raises:
        StudyError: the file is missing or broken, or has an instance of what has none.
    """
    found = archive.map(name).astype(np.int64)
    kinds = found // per_class
    counted = (kinds >= THINGS[0]) & (found % per_class > 0 if per_class == 256 else kinds > 0)
    if kinds.max() > LARGEST:
        raise StudyError(f"{archive.where(name)}: an instance of the unknown id {kinds.max()}")
    numbers, instances = np.unique(np.where(counted, found + 1, 0), return_inverse=True)
    instances = instances.reshape(found.shape)
    return (instances + (0 if numbers[0] == 0 else 1)).astype(np.uint16)


def read_depth(disparity: Archive, name: str, camera: Archive, calibration: str) -> Array:
    """float32 (H, W): metres, 0 where there is none; focal length times baseline by disparity.

    Raises:
        StudyError: a file is missing or broken.
    """
    try:
        found = json.loads(camera.read(calibration))
        scale = float(found["intrinsic"]["fx"]) * float(found["extrinsic"]["baseline"])
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{camera.where(calibration)}: not a calibration ({error!r})") from None
    stored = disparity.map(name).astype(np.float32)
    pixels = (stored - 1) / 256
    return np.where(pixels > 0, scale / np.maximum(pixels, 1 / 256), 0).astype(np.float32)
