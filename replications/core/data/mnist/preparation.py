"""Five thousand digits of MNIST: lines of 784 values from 0 to 255 and what they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.data.grey.splits import at_random
from replications.core.data.labels import Array
from replications.core.data.mnist.options import MnistOptions
from replications.core.data.prepare import Prepared, tracked_md5
from replications.core.errors import StudyError
from replications.core.spec.reading import REPLICATIONS

CLASSES = tuple(map(str, range(10)))
_TOP = REPLICATIONS.parent
_SIDE = 28


def prepare(options: MnistOptions, file: Path | None = None) -> Prepared:
    """As many pictures as asked for, split once at random.

    Arguments:
        file: the lines; none given: where they are fetched to.

    Raises:
        StudyError: the file is missing, altered or no such table, or has too few lines.
    """
    path = file or _TOP / options.sources[0]
    md5 = {} if file else {path.name: tracked_md5(path, _TOP / "data" / "mnist.dvc")}
    pictures, labels = read(path)
    counts = dict(zip(("train", "val", "test"), options.pictures, strict=True))
    splits = at_random(pictures, labels, counts)
    return Prepared(splits.items(), md5, {"categories": list(CLASSES)})


def read(path: Path) -> tuple[Array, Array]:
    """Pictures, uint8 (N, 28, 28), and what they show, (N,).

    Raises:
        StudyError: it is no such table.
    """
    try:
        values = pd.read_csv(path, header=None).to_numpy()
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read as a table ({error})") from None
    if values.ndim != 2 or values.shape[1] != _SIDE**2 + 1:
        raise StudyError(f"{path}: lines have {values.shape[1]} values, not {_SIDE**2 + 1}")
    pixels, labels = values[:, :-1], values[:, -1]
    if not (np.isin(labels, range(len(CLASSES))).all() and np.isin(pixels, range(256)).all()):
        raise StudyError(f"{path}: a value is no digit, or no grey from 0 to 255")
    return pixels.reshape(-1, _SIDE, _SIDE).astype(np.uint8), labels.astype(np.uint8)
