"""Sentences of a split, as many as are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from replications.core.errors import StudyError

Item = TypeVar("Item")


def chosen(
    parts: Mapping[str, Sequence[Item]], wanted: Sequence[int], dataset: str
) -> dict[str, list[Item]]:
    """The first of one random order of each part; fewer lie in more.

    Raises:
        StudyError: more are asked for than there are.
    """
    found = {}
    for (name, part), count in zip(parts.items(), wanted, strict=True):
        if count > len(part):
            raise StudyError(
                f"{count} sentences for {name}; {dataset} has {len(part)} that are short enough"
            )
        # The stream of RandomState is frozen; those of newer generators may change with numpy.
        order = np.random.RandomState(0).permutation(len(part))
        found[name] = [part[i] for i in order[:count]]
    return found
