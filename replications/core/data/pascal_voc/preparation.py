"""PASCAL VOC as arrays."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from replications.core.data.archives import opened
from replications.core.data.labels import Frame
from replications.core.data.pascal_voc import reader
from replications.core.data.pascal_voc.options import PascalVOCOptions
from replications.core.data.pictures.colours import palette
from replications.core.data.pictures.frames import prepared_frames
from replications.core.data.prepare import Prepared
from replications.core.files import md5_of

_VALIDATES = 10
"""One in so many of the training photographs validates, as papers report on the list `val`."""


def prepare(options: PascalVOCOptions, source: Path = Path("data/pascal_voc")) -> Prepared:
    """The dataset at a size; photographs of any shape are brought to it.

    Raises:
        StudyError: the archive is missing or damaged, or more than a few photographs are not valid.
    """
    path = source / Path(options.sources[0]).name
    archive, md5 = opened(path), md5_of(path)
    train = reader.read_list(archive, "train")
    return prepared_frames(
        options,
        read=partial(_read, path),
        references={
            "train": [key for number, key in enumerate(train) if number % _VALIDATES],
            "val": train[::_VALIDATES],
            "test": reader.read_list(archive, "val"),
        },
        md5={"archive": md5},
        classes=reader.CLASSES,
        colours=[(0, 0, 0), *palette(len(reader.BOX_CLASSES))],
        things=list(range(1, len(reader.CLASSES))),
        box_classes=reader.BOX_CLASSES,
    )


def _read(path: Path, key: str) -> Frame:
    return reader.read_frame(opened(path), key)
