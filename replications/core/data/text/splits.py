"""Sentences of a split, as many as are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from replications.core.data.text.sentences import Sentence
from replications.core.errors import StudyError


def chosen(
    parts: Mapping[str, Sequence[Sentence]], wanted: Sequence[int], dataset: str
) -> dict[str, list[Sentence]]:
    """Of each part, each sentence once, as many as wanted of one random order; fewer lie in more.

    What is held out has none of the words of what trains, sentence by sentence. The longest comes
    first: costs are measured on the first sample, and constants have its shape.

    Raises:
        StudyError: more are asked for than there are.
    """
    known: set[tuple[str, ...]] = set()
    found = {}
    for (name, part), count in zip(parts.items(), wanted, strict=True):
        fresh = {own.words: own for own in part if own.words not in known}
        own = list(fresh.values())
        known |= set(fresh)
        if count > len(own):
            raise StudyError(
                f"{count} sentences for {name}; {dataset} has {len(own)} that are short enough"
            )
        # The stream of RandomState is frozen; those of newer generators may change with numpy.
        order = np.random.RandomState(0).permutation(len(own))
        drawn = [own[i] for i in order[:count]]
        longest = max(range(count), key=lambda i: len(drawn[i].words))
        found[name] = [drawn[longest], *drawn[:longest], *drawn[longest + 1 :]]
    return found
