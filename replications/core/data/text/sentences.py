"""Tagged sentences to arrays of ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from replications.core.data.labels import VOID, Array
from replications.core.data.text.ids import LETTERS, VOCABULARY
from replications.core.errors import StudyError

UNKNOWN = 1
_FIRST = ord("!")
"""The letter whose id is 2; those of ASCII that can be seen follow."""


@dataclass(frozen=True)
class Sentence:
    """Words, by the name of a label a tag of each, and what kind of text they are from."""

    words: tuple[str, ...]
    tags: Mapping[str, tuple[str, ...]]
    genre: str = ""


def vocabulary(sentences: Sequence[Sentence]) -> dict[str, int]:
    """The ids of the words that occur twice or more, the most frequent first, as many as encoders
    know."""
    counts = Counter(word for sentence in sentences for word in sentence.words)
    known = sorted((word for word, n in counts.items() if n > 1), key=lambda w: (-counts[w], w))
    return {word: UNKNOWN + 1 + i for i, word in enumerate(known[: VOCABULARY - UNKNOWN - 1])}


def tag_sets(sentences: Sequence[Sentence]) -> dict[str, list[str]]:
    """The tags that occur, by the name of the label."""
    labels = sentences[0].tags
    return {
        label: sorted({tag for sentence in sentences for tag in sentence.tags[label]})
        for label in labels
    }


def letters_of(word: str, most: int) -> list[int]:
    """The ids of the first letters of a word."""
    ids = [ord(letter) - _FIRST + UNKNOWN + 1 for letter in word[:most]]
    return [i if UNKNOWN < i < LETTERS else UNKNOWN for i in ids]


def encoded(
    sentences: Sequence[Sentence],
    words: Mapping[str, int],
    tags: Mapping[str, Sequence[str]],
    length: int,
    letters: int,
) -> dict[str, Array]:
    """Arrays over sentences.

    Returns:
        `words`, int16, (N, length, 1 + letters), see `decoding.Sentences`; and for each label
        uint8, (N, length), indices of tags, 255 where there is no word or the tag is not known.

    Raises:
        StudyError: a sentence is longer.
    """
    ids = np.zeros((len(sentences), length, 1 + letters), np.int16)
    labels = {name: np.full((len(sentences), length), VOID, np.uint8) for name in tags}
    places = {name: {tag: i for i, tag in enumerate(known)} for name, known in tags.items()}
    for row, sentence in enumerate(sentences):
        if len(sentence.words) > length:
            raise StudyError(f"a sentence has {len(sentence.words)} words, {length} at most")
        for position, word in enumerate(sentence.words):
            ids[row, position, 0] = words.get(word, UNKNOWN)
            spelled = letters_of(word, letters)
            ids[row, position, 1 : 1 + len(spelled)] = spelled
        for name, own in sentence.tags.items():
            found = [places[name].get(tag, VOID) for tag in own]
            labels[name][row, : len(found)] = found
    return {"words": ids} | labels
