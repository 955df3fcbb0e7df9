"""Texts and what is known of them, from the files that they come in."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from replications.core.data.labels import Array
from replications.core.data.text.sentences import UNKNOWN, Sentence, vocabulary
from replications.core.errors import StudyError

CLASSES = {
    "sentiment": ["negative", "positive"],
    "bias": ["none", "gender", "others"],
    "hate": ["none", "offensive", "hate"],
}


@dataclass(frozen=True)
class Comment:
    """A text, and the index of its class by the name of a label."""

    text: str
    classes: dict[str, int]


def read_reviews(negative: Path, positive: Path) -> list[Comment]:
    """Reviews, each once, and none that both files have: half of the lines of either repeat
    others, which would train and test.

    Raises:
        StudyError: a file cannot be read.
    """
    found = [dict.fromkeys(line.strip() for line in _lines(path)) for path in (negative, positive)]
    return [
        Comment(text, {"sentiment": index})
        for index, (own, other) in enumerate((found, found[::-1]))
        for text in own
        if text and text not in other
    ]


def read_comments(path: Path) -> list[Comment]:
    """Korean comments with bias and hate. Whether there is a bias of gender follows from the bias,
    in every row, and is no third task.

    Raises:
        StudyError: it cannot be read, or has other columns or classes.
    """
    rows = csv.DictReader(_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE)
    if not {"comments", "bias", "hate"} <= set(rows.fieldnames or ()):
        raise StudyError(f"{path}: columns {rows.fieldnames}; it should have comments, bias, hate")
    found = []
    for number, row in enumerate(rows, 2):
        try:
            classes = {label: CLASSES[label].index(row[label]) for label in ("bias", "hate")}
        except ValueError as error:
            raise StudyError(f"{path}: line {number}: {error}") from None
        found.append(Comment(row["comments"], classes))
    return found


def split(comments: Sequence[Comment], wanted: dict[str, int]) -> dict[str, list[Comment]]:
    """As many for each split as wanted, of one random order.

    Raises:
        StudyError: there are too few.
    """
    if sum(wanted.values()) > len(comments):
        raise StudyError(f"{sum(wanted.values())} texts are asked for; there are {len(comments)}")
    # The stream of RandomState is frozen; those of newer generators may change with numpy.
    order = np.random.RandomState(0).permutation(len(comments))
    found, start = {}, 0
    for name, count in wanted.items():
        found[name] = [comments[i] for i in order[start : start + count]]
        start += count
    return found


def encoded(
    splits: dict[str, list[Comment]], each: int, length: int
) -> dict[str, dict[str, Array]]:
    """Arrays of each split.

    Returns:
        `text`, int16, (N, each, length), ids of characters, 0 behind the end; and for each label
        uint8, (N, each), indices of classes.
    """
    known = vocabulary([Sentence(tuple(own.text), {}) for own in splits["train"]])
    arrays = {}
    for name, comments in splits.items():
        ids = np.zeros((len(comments), length), np.int16)
        for row, own in zip(ids, comments, strict=True):
            spelled = [known.get(letter, UNKNOWN) for letter in own.text[:length]] or [UNKNOWN]
            row[: len(spelled)] = spelled
        labels = {
            label: np.array([own.classes[label] for own in comments], np.uint8).reshape(-1, each)
            for label in comments[0].classes
        }
        arrays[name] = {"text": ids.reshape(-1, each, length)} | labels
    return arrays


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read as text ({error})") from None
