"""Handwritten digits as scikit-learn carries them: 1,797 pictures of 8x8 cells, each a count of 16
pixels, so from 0 to 16."""

from __future__ import annotations

import hashlib

import numpy as np

from replications.core.data.digits.options import DigitsOptions
from replications.core.data.grey.splits import at_random
from replications.core.data.prepare import Prepared

CLASSES = tuple(map(str, range(10)))
_MOST = 16


def prepare(options: DigitsOptions) -> Prepared:
    """All of them, split once at random."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures = (found.images * (255 / _MOST)).round().astype(np.uint8)
    labels = found.target.astype(np.uint8)
    counts = {split: options.facts[split] for split in ("train", "val", "test")}
    splits = at_random(pictures, labels, counts)
    md5 = hashlib.md5(pictures.tobytes() + labels.tobytes(), usedforsecurity=False).hexdigest()
    return Prepared(splits.items(), {"digits": md5}, {"categories": list(CLASSES)})
