"""The splits of the dataset and the seeds of their layouts and frames."""

import hashlib
from typing import Final

SPLITS: Final = {"train": 480, "val": 120, "test": 200}
FRAMES_PER_LAYOUT: Final = 4
SCENES: Final = ("residential", "urban", "highway")
SHAPES: Final = ("straight", "curved", "crossing")


def seed_of(split: str, what: str, index: int) -> int:
    """The first 31 bits of SHA-256 of "streets/SPLIT/WHAT/INDEX"."""
    digest = hashlib.sha256(f"streets/{split}/{what}/{index}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def scene_and_shape(layout: int) -> tuple[str, str]:
    """Scene and shape of a layout; the nine combinations take turns."""
    return SCENES[layout % 3], SHAPES[layout // 3 % 3]


def frame_key(split: str, index: int) -> str:
    """Name of a frame, such as train_000017."""
    return f"{split}_{index:06d}"
