"""The semantic classes of the dataset: identifiers, names, colours."""

from typing import Final

import numpy as np

CLASS_NAMES: Final = (
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
CLASS_ID: Final = {name: number for number, name in enumerate(CLASS_NAMES)}
VOID: Final = 255
SKY: Final = CLASS_ID["sky"]
PERSON: Final = CLASS_ID["person"]
VEHICLE: Final = CLASS_ID["vehicle"]

COLOURS: Final = (
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

_VOID_INDEX: Final = len(CLASS_NAMES) + 1


def palette() -> bytes:
    """The PNG palette, 256 RGB entries; those without a class, void included, are black."""
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(COLOURS)] = COLOURS
    return colours.tobytes()


def material_index(class_name: str) -> int:
    """Blender's material pass index of a class; 0 is kept for "nothing hit", which is sky."""
    return _VOID_INDEX if class_name == "void" else CLASS_ID[class_name] + 1


def classes_of_indices(indices: np.ndarray) -> np.ndarray:
    """Class identifiers (uint8) of an array of material pass indices."""
    table = np.full(_VOID_INDEX + 1, VOID, np.uint8)
    table[0] = SKY
    table[1 : len(CLASS_NAMES) + 1] = np.arange(len(CLASS_NAMES))
    return table[indices]
