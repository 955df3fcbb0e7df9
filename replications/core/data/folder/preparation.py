"""A folder of pictures as arrays."""

from __future__ import annotations

import functools
import hashlib
import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from replications.core.data.archives import Archive, Folder
from replications.core.data.folder.options import FolderDescription, FolderOptions
from replications.core.data.labels import Array, Frame, check_frame
from replications.core.data.pictures.colours import palette
from replications.core.data.pictures.frames import frame_with, prepared_frames
from replications.core.data.prepare import Prepared
from replications.core.errors import StudyError


def prepare(options: FolderOptions) -> Prepared:
    """The dataset at a size.

    Raises:
        StudyError: a list is missing or empty, or more than a few pictures or labels are not valid.
    """
    own, archive = options.description, Folder(Path(options.path))
    lists: dict[str, bytes] = {split: archive.read(name) for split, name in own.splits.items()}
    references = {split: content.decode("utf-8").split() for split, content in lists.items()}
    if empty := [split for split, keys in references.items() if not keys]:
        raise StudyError(f"{options.path}: the list of the split {empty[0]} names no picture")
    scene = archive.read(own.scene.file) if own.scene else b""
    md5 = {
        split: hashlib.md5(content + scene, usedforsecurity=False).hexdigest()
        for split, content in lists.items()
    }
    classes = own.semseg.classes if own.semseg else ()
    return prepared_frames(
        options,
        read=partial(read_frame, archive.path, own),
        references=references,
        md5=md5,
        made_with=str(own),
        classes=classes,
        colours=(own.semseg and own.semseg.colours) or palette(len(classes)),
        scenes=own.scene.classes if own.scene else [],
        box_classes=own.boxes.classes if own.boxes else [],
    )


def read_frame(folder: Path, own: FolderDescription, key: str) -> Frame:
    """A picture with its labels, checked.

    Raises:
        StudyError: a file is missing or broken, or is not as the description says.
    """
    archive = Folder(folder)
    name = own.image.replace("*", key)
    known: dict[str, Any] = {}
    if own.semseg:
        known["semseg"] = archive.map(own.semseg.file.replace("*", key)).astype(np.uint8)
    if own.depth:
        stored = _depth(archive, own.depth.file.replace("*", key))
        known["depth"] = stored * np.float32(own.depth.metres)
    if own.boxes:
        known["boxes"] = read_boxes(archive, own.boxes.file.replace("*", key), own.boxes.classes)
    if own.scene:
        scenes = read_scenes(folder, own.scene.file, own.scene.classes)
        if key not in scenes:
            raise StudyError(f"{archive.where(own.scene.file)}: no line for {key}")
        known["scene"] = scenes[key]
    frame = frame_with(key, archive.image(name), **known)
    problems = check_frame(frame, len(own.semseg.classes) if own.semseg else 0, things=())
    # Nobody has to have normals.
    problems = [problem for problem in problems if not problem.startswith("normals are missing")]
    if problems:
        raise StudyError(f"{archive.where(name)}: {'; '.join(problems)}")
    return frame


def read_boxes(archive: Archive, name: str, classes: tuple[str, ...]) -> Array:
    """(M, 8) float32, the columns of `labels.BOX_FIELDS`; nothing is known to be hidden.

    Raises:
        StudyError: naming the file, the line and what is wrong with it.
    """
    rows = []
    for number, line in enumerate(archive.read(name).decode("utf-8").splitlines(), 1):
        kind, *edges = line.split() or [""]
        try:
            x1, y1, x2, y2 = map(float, edges)
            rows.append([x1, y1, x2, y2, classes.index(kind), 0, 0, y2 - y1])
        except ValueError:
            raise StudyError(
                f"{archive.where(name)}:{number}: '{line}' is not one of {', '.join(classes)} and "
                "four numbers"
            ) from None
    return np.array(rows, np.float32).reshape(-1, 8)


@functools.cache
def read_scenes(folder: Path, name: str, classes: tuple[str, ...]) -> dict[str, int]:
    """The class of each picture, by its name.

    Raises:
        StudyError: naming the file, the line and what is wrong with it.
    """
    archive, found = Folder(folder), {}
    for number, line in enumerate(archive.read(name).decode("utf-8").splitlines(), 1):
        key, _, kind = line.strip().partition(" ")
        if kind.strip() not in classes:
            raise StudyError(
                f"{archive.where(name)}:{number}: '{line}' is not a name and one of "
                f"{', '.join(classes)}"
            )
        found[key] = classes.index(kind.strip())
    return found


def _depth(archive: Archive, name: str) -> Array:
    if not name.endswith(".npy"):
        return archive.map(name).astype(np.float32)
    try:
        stored: Array = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
        return stored.astype(np.float32)
    except ValueError as error:
        raise StudyError(f"{archive.where(name)}: not an array of numpy ({error})") from None
