"""Handwritten digits as scikit-learn carries them: 1,797 pictures of 8x8 cells, each a count of 16
pixels, so from 0 to 16."""

from __future__ import annotations

import hashlib

import numpy as np

from replications.core.data.digits.options import DigitsOptions
from replications.core.data.prepare import Prepared

CLASSES = tuple(map(str, range(10)))
_MOST = 16


def prepare(options: DigitsOptions) -> Prepared:
    """All of them, split once at random; a picture is an input and, as `picture`, a label."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures = (found.images * (255 / _MOST)).round().astype(np.uint8)[:, None]
    labels = found.target.astype(np.uint8)
    # The stream of RandomState is frozen; those of newer generators may change with numpy.
    order = np.random.RandomState(0).permutation(len(labels))
    counts = [options.facts[split] for split in ("train", "val")]
    parts = np.split(order, np.cumsum(counts))
    arrays = {
        split: {"image": pictures[rows], "picture": pictures[rows], "category": labels[rows]}
        for split, rows in zip(("train", "val", "test"), parts, strict=True)
    }
    md5 = hashlib.md5(pictures.tobytes() + labels.tobytes(), usedforsecurity=False).hexdigest()
    return Prepared(arrays.items(), {"digits": md5}, {"categories": list(CLASSES)})
