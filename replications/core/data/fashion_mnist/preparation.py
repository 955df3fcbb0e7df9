"""Fashion-MNIST from its four IDX files: 60,000 pictures, of which some validate, and 10,000 that
test."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from replications.core.data.fashion_mnist.options import FashionMnistOptions
from replications.core.data.grey.splits import arrays, at_random
from replications.core.data.labels import Array
from replications.core.data.prepare import Prepared, tracked_md5
from replications.core.errors import StudyError
from replications.core.spec.reading import REPLICATIONS

CLASSES = (
    *("T-shirt", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
_TOP = REPLICATIONS.parent
_BYTE = 0x08
"""What IDX calls unsigned bytes."""


def prepare(options: FashionMnistOptions, folder: Path | None = None) -> Prepared:
    """As many pictures as asked for: the first of the test files, and of the others a draw.

    Arguments:
        folder: with the files; none given: where they are fetched to.

    Raises:
        StudyError: a file is missing, altered or no IDX file, or has too few pictures.
    """
    paths = [(folder or _TOP / Path(s).parent) / Path(s).name for s in options.sources]
    record = _TOP / "data" / "fashion_mnist.dvc"
    md5 = {} if folder else {path.name: tracked_md5(path, record) for path in paths}
    train, train_labels, test, test_labels = map(read_idx, paths)
    counts = dict(zip(("train", "val"), options.pictures, strict=False))
    splits = at_random(train, train_labels, counts)
    count = options.pictures[2]
    if count > len(test):
        raise StudyError(f"{count} pictures are asked for to test, there are {len(test)}")
    splits["test"] = arrays(test[:count], test_labels[:count])
    return Prepared(splits.items(), md5, {"categories": list(CLASSES)})


def read_idx(path: Path) -> Array:
    """An array of bytes from a gzipped IDX file, of whatever shape.

    Raises:
        StudyError: it is none.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise StudyError(f"{path}: cannot be unpacked ({error})") from None
    if len(content) < 4 or content[:3] != bytes([0, 0, _BYTE]):
        raise StudyError(f"{path}: is no IDX file of bytes")
    start = 4 + 4 * content[3]
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist())
    if len(content) - start != math.prod(shape):
        raise StudyError(
            f"{path}: says that it holds {shape}, but has {len(content) - start} bytes"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
