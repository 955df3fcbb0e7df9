"""NYUv2 as arrays."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from replications.core.data.labels import Frame
from replications.core.data.nyuv2 import reader
from replications.core.data.nyuv2.options import NYUv2Options
from replications.core.data.nyuv2.reader import Classes
from replications.core.data.pictures.colours import palette
from replications.core.data.pictures.frames import prepared_frames
from replications.core.data.prepare import Prepared
from replications.core.files import md5_of

_VALIDATES = 10
"""One in so many scenes of the training frames is kept to validate with; the paper has no such
split, and its followers choose on the test frames."""


def prepare(options: NYUv2Options, source: Path = Path("data/nyuv2")) -> Prepared:
    """The dataset at a size.

    Raises:
        StudyError: a file is missing or damaged, or more than a few frames are not valid.
    """
    file, *others = (source / Path(path).name for path in options.sources)
    classes = reader.read_classes(others[1], others[2] if options.classes == 13 else None)
    return prepared_frames(
        options,
        read=partial(_read, file, classes),
        references=splits(file, others[0]),
        md5={"frames": md5_of(file)},
        classes=classes.names,
        colours=palette(len(classes.names)),
        focal=reader.FOCAL[0] * options.size[1] / reader.SIZE[1],
    )


def splits(file: Path, split: Path) -> dict[str, list[str]]:
    """The numbers of the frames of each split."""
    train, test = reader.read_split(split)
    scenes = reader.read_scenes(file)
    kept = set(sorted({scenes[number - 1] for number in train})[::_VALIDATES])
    return {
        "train": [str(number) for number in train if scenes[number - 1] not in kept],
        "val": [str(number) for number in train if scenes[number - 1] in kept],
        "test": [str(number) for number in test],
    }


def _read(file: Path, classes: Classes, number: str) -> Frame:
    return reader.read_frame(file, classes, int(number))
