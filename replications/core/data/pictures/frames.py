"""Many frames read by all cores, each once, and put together without holding them in memory.

What has been read lies in a folder of parts beside the arrays it is for, so that what was
interrupted goes on; it goes when the arrays are written. A frame that is refused is named and
counted, and the others are kept.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from replications.core.data.labels import VOID, Array, Frame
from replications.core.data.pictures.options import PictureOptions
from replications.core.data.pictures.preparation import picked, reduced, stacked
from replications.core.data.prepare import Prepared
from replications.core.errors import StudyError
from replications.core.files import replacing, write_text
from replications.core.spec.plan import digest

Read = Callable[[str], Frame]
"""Reads the frame of a reference; raises a `StudyError` that names the file where one is broken.
Has to be a function of a module, or a `partial` of one: it runs in other processes."""

_FEW = 50
"""Frames that a process has read before another one would have started."""
_TOLERATED = 0.02
"""The share of frames that may be refused; with more of them something else is wrong."""


def fitted(frame: Frame, size: tuple[int, int]) -> Frame:
    """The frame at a size (rows, columns): the image averaged over what becomes a pixel, labels
    taken from its centre, boxes scaled. Depth and normals keep their values."""
    height, width = frame.image.shape[1:]
    if (height, width) == size:
        return frame
    factor = height // size[0]
    if factor and (size[0] * factor, size[1] * factor) == (height, width):
        return reduced(frame, factor)
    image = Image.fromarray(frame.image.transpose(1, 2, 0))
    scaled = np.asarray(image.resize((size[1], size[0]), Image.Resampling.BOX))
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(size, (height, width), strict=True)
    )
    pick = np.s_[..., rows[:, None], columns]
    boxes = frame.boxes.copy()
    boxes[:, [0, 2]] *= size[1] / width
    boxes[:, [1, 3, 7]] *= size[0] / height
    return picked(frame, scaled.transpose(2, 0, 1), boxes, pick)


def frame_with(key: str, image: Array, **known: Any) -> Frame:
    """A frame of an image and what is known of it; of other labels it has what stands for none."""
    size = image.shape[1:]
    none: dict[str, Any] = {
        "semseg": np.full(size, VOID, np.uint8),
        "instances": np.zeros(size, np.uint16),
        "depth": np.zeros(size, np.float32),
        "normals": np.zeros((3, *size), np.int8),
        "boxes": np.zeros((0, 8), np.float32),
        "scene": 0,
    }
    return Frame(key=key, image=image, **(none | known))


@dataclass(frozen=True)
class Parts:
    """An array of a split, whose samples lie in files of their own."""

    paths: Sequence[Path]
    name: str

    @cached_property
    def _first(self) -> Array:
        return self._of(self.paths[0])

    def _of(self, path: Path) -> Array:
        with np.load(path) as found:
            return found[self.name]  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        return self._first.dtype

    @cached_property
    def _most(self) -> int:
        """The length of the longest sample, of which there is one for boxes alone."""
        return max(len(self._of(path)) for path in self.paths)

    @property
    def shape(self) -> tuple[int, ...]:
        own = self._first.shape
        if self.name == "boxes":
            own = (self._most, own[1])
        return (len(self.paths), *own)

    def __getitem__(self, samples: slice) -> Array:
        found = [self._of(path) for path in self.paths[samples]]
        if self.name != "boxes":
            return np.stack(found)
        padded = np.full((len(found), *self.shape[1:]), -1, self.dtype)
        for row, boxes in zip(padded, found, strict=True):
            row[: len(boxes)] = boxes
        return padded


@dataclass
class Frames:
    """The frames of a dataset, by split.

    Attributes:
        read: reads one.
        references: what is read, by split; together with `made_with` it says which parts are ours.
        size: rows and columns.
        labels: those that are kept.
        folder: where the parts lie.
        refused: what was wrong with the frames that were refused; complete once `arrays` is
            through.
    """

    read: Read
    references: Mapping[str, Sequence[str]]
    size: tuple[int, int]
    labels: tuple[str, ...]
    folder: Path
    made_with: str
    refused: list[str] = field(default_factory=list)

    def arrays(self) -> Iterator[tuple[str, dict[str, Parts]]]:
        """The arrays of each split.

        Raises:
            StudyError: more than a few of the frames are broken.
        """
        own = self.folder / digest(self.made_with)
        for other in self.folder.glob("*"):
            if other != own:
                shutil.rmtree(other)
        for split, references in self.references.items():
            paths = [own / f"{split}-{number:06}.npz" for number in range(len(references))]
            self._read_all(split, references, paths)
            kept = [path for path in paths if path.is_file()]
            yield split, {name: Parts(kept, name) for name in ("image", *self.labels)}
        shutil.rmtree(self.folder)

    def _read_all(self, split: str, references: Sequence[str], paths: Sequence[Path]) -> None:
        """Read what has not been read."""
        ahead = [
            (reference, path)
            for reference, path in zip(references, paths, strict=True)
            if not (path.is_file() or path.with_suffix(".refused").is_file())
        ]
        work = partial(_read_one, self.read, self.size, ("image", *self.labels))
        have = len(paths) - len(ahead)
        bar = tqdm(total=len(paths), initial=have, desc=split, unit=" frames", mininterval=1)
        with bar, _mapping(len(ahead)) as each:
            for _ in each(work, *zip(*ahead, strict=True)) if ahead else ():
                bar.update()
        refused = [path.with_suffix(".refused") for path in paths]
        found = [path.read_text(encoding="utf-8") for path in refused if path.is_file()]
        for problem in found:
            print(f"refused: {problem}", flush=True)
        if len(found) > _TOLERATED * len(paths) + 1:
            for path in refused:
                path.unlink(missing_ok=True)  # to be read again, when they are mended
            raise StudyError(f"{len(found)} of {len(paths)} frames refused; the first: {found[0]}")
        self.refused += found


def prepared_frames(
    options: PictureOptions,
    read: Read,
    references: Mapping[str, Sequence[str]],
    md5: dict[str, str],
    made_with: str = "",
    **facts: Any,
) -> Prepared:
    """A dataset of pictures, of the frames that `read` reads.

    Arguments:
        references: what is read, by split.
        md5: of what it is read from, by name.
        made_with: what else parts of an interrupted call must have been made with to be taken.
        facts: what is known of the dataset; of things, scenes and boxes that are not named it has
            none, and its focal length is not known.
    """
    frames = Frames(
        read=read,
        references=references,
        size=options.size,
        labels=options.labels,
        folder=Path(options.folder, ".parts"),
        made_with=f"{md5} {made_with} {options.variant}",
    )
    none = {"things": [], "scenes": [], "box_classes": [], "focal": 0.0}
    return Prepared(frames.arrays(), md5, none | facts | {"refused": frames.refused})


@contextmanager
def _mapping(jobs: int) -> Iterator[Callable[..., Iterable[None]]]:
    """What maps a function over so many jobs: by all cores, if there are enough to start them."""
    workers = min(os.cpu_count() or 1, jobs // _FEW)
    if workers < 2:
        yield map
        return
    # Spawned, not forked: no process may read on where another is in an archive.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield partial(pool.map, chunksize=8)


def _read_one(
    read: Read, size: tuple[int, int], names: tuple[str, ...], reference: str, path: Path
) -> None:
    """Read a frame and write its part, or what is wrong with it."""
    try:
        frame = fitted(read(reference), size)
    except StudyError as error:
        write_text(path.with_suffix(".refused"), str(error))
        return
    arrays = {name: values[0] for name, values in stacked([frame]).items() if name in names}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
