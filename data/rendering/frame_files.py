"""The six files of a frame and what their numbers mean."""

from pathlib import Path
from typing import Final

WIDTH: Final = 256
HEIGHT: Final = 128
SUFFIXES: Final = (
    "image.jpg",
    "semseg.png",
    "instances.png",
    "depth.png",
    "normals.png",
    "labels.json",
)
DEPTH_SCALE: Final = 256.0
DEPTH_LIMIT: Final = 255.0


def frame_files(folder: Path, key: str) -> list[Path]:
    """The six files of a frame."""
    return [folder / f"{key}.{suffix}" for suffix in SUFFIXES]


def occlusion_level(visible_fraction: float) -> int:
    """0 from 0.8 visible, 1 from 0.4, else 2."""
    return 0 if visible_fraction >= 0.8 else 1 if visible_fraction >= 0.4 else 2
