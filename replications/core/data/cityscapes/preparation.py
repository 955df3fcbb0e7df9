"""Cityscapes as arrays."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from replications.core.data.archives import Archive, opened
from replications.core.data.cityscapes import reader
from replications.core.data.cityscapes.options import CityscapesOptions
from replications.core.data.labels import VOID, Frame, check_frame
from replications.core.data.pictures.frames import frame_with, prepared_frames
from replications.core.data.prepare import Prepared
from replications.core.errors import StudyError
from replications.core.files import md5_of

_IMAGES, _LABELS, _DISPARITY, _CAMERA = "leftImg8bit", "gtFine", "disparity", "camera"
_VALIDATE = ("weimar", "zurich", "ulm")
"""Cities of the training frames to validate with, as those of the official validation are what
papers report on: the labels of the test frames are not published."""


def prepare(options: CityscapesOptions, source: Path = Path("data/cityscapes")) -> Prepared:
    """The dataset at a size.

    Raises:
        StudyError: an archive is missing or damaged, or more than a few frames are not valid.
    """
    files = {Path(path).name.split("_")[0]: source / Path(path).name for path in options.sources}
    md5 = {name: md5_of(path) for name, path in files.items()}
    return prepared_frames(
        options,
        read=partial(read_frame, files, options.classes),
        references=splits(opened(files[_IMAGES])),
        md5=md5,
        classes=reader.names(options.classes),
        colours=reader.colours(options.classes),
        things=reader.things(options.classes),
        focal=2262.52 * options.size[1] / reader.SIZE[1],
    )


def splits(images: Archive) -> dict[str, list[str]]:
    """The frames of each split, such as `train/aachen/aachen_000000_000019`."""
    end = f"_{_IMAGES}.png"
    found = [
        name.removeprefix(f"{_IMAGES}/").removesuffix(end)
        for name in images.names()
        if name.endswith(end)
    ]
    train = [key for key in found if key.startswith("train/")]
    held = [key for key in train if key.split("/")[1] in _VALIDATE]
    return {
        "train": [key for key in train if key not in set(held)],
        "val": held,
        "test": [key for key in found if key.startswith("val/")],
    }


def read_frame(files: dict[str, Path], classes: int, key: str) -> Frame:
    """A frame with its labels, checked.

    Raises:
        StudyError: a file is missing or broken, or labels do not agree.
    """
    images, labels, disparity, camera = (
        opened(files[what]) for what in (_IMAGES, _LABELS, _DISPARITY, _CAMERA)
    )
    semseg = reader.read_semseg(labels, f"gtFine/{key}_gtFine_labelIds.png", classes)
    instances = reader.read_instances(labels, f"gtFine/{key}_gtFine_instanceIds.png", 1000)
    depth = reader.read_depth(
        disparity, f"disparity/{key}_disparity.png", camera, f"camera/{key}_camera.json"
    )
    frame = frame_with(
        key,
        images.image(f"leftImg8bit/{key}_leftImg8bit.png"),
        semseg=semseg,
        instances=instances,
        depth=depth,
    )
    return street_checked(frame, classes, images.where(key))


def street_checked(frame: Frame, classes: int, where: str) -> Frame:
    """The frame, if its labels agree; that crowds have no instances is as it should be.

    Raises:
        StudyError: they do not.
    """
    things = [*reader.things(classes), VOID]  # trailers and caravans have instances, but no class
    size = frame.image.shape[1:]
    plain = replace(
        frame,
        instances=np.zeros(size, np.uint16),
        depth=np.zeros(size, np.float32),
        normals=np.zeros((3, *size), np.int8),
    )
    problems = check_frame(plain, len(reader.names(classes)), things=())
    for name in ("instances", "depth"):
        if (found := getattr(frame, name).shape) != size:
            problems.append(f"{name} is {found}, the image {size}")
    if not problems and not np.isin(frame.semseg[frame.instances > 0], things).all():
        problems.append("there are instances on classes that have none")
    if problems:
        raise StudyError(f"{where}: {'; '.join(problems)}")
    return frame
