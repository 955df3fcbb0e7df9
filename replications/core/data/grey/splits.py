"""Pictures and what they show as the arrays of splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from replications.core.data.labels import Array
from replications.core.errors import StudyError

Arrays = dict[str, Array]


def at_random(pictures: Array, categories: Array, counts: Mapping[str, int]) -> dict[str, Arrays]:
    """Splits of pictures, uint8 (N, H, W), and their categories, (N,): always the same, drawn at
    random, the first as many as `counts` says of each.

    Raises:
        StudyError: there are fewer.
    """
    needed = sum(counts.values())
    if needed > len(pictures):
        raise StudyError(f"{needed} pictures are asked for, there are {len(pictures)}")
    # The stream of RandomState is frozen; those of newer generators may change with numpy.
    order = np.random.RandomState(0).permutation(len(pictures))[:needed]
    rows = np.split(order, np.cumsum(list(counts.values()))[:-1])
    return {
        name: arrays(pictures[own], categories[own]) for name, own in zip(counts, rows, strict=True)
    }


def arrays(pictures: Array, categories: Sequence[int] | Array) -> Arrays:
    """What a split holds: pictures, (N, 1, H, W), as input and as label, and categories."""
    grey = pictures[:, None].astype(np.uint8)
    return {"image": grey, "picture": grey, "category": np.asarray(categories, np.uint8)}
