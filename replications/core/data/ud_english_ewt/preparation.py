"""The English Web Treebank from its CoNLL-U files, which UD publishes.

A word has four labels: UPOS, XPOS, the dependency relation without its subtype, and how far away
its head is, up to five words in either direction. A sentence has one: whether it is of another
genre than those that train.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from replications.core.data.prepare import Prepared, tracked_md5
from replications.core.data.text.sentences import Sentence, encoded, tag_sets, vocabulary
from replications.core.data.text.splits import chosen
from replications.core.data.ud_english_ewt.options import EWTOptions
from replications.core.errors import StudyError
from replications.core.spec.reading import REPLICATIONS

_TOP = REPLICATIONS.parent
_FIELDS = 10
_FARTHEST = 5
_SPLITS = ("train", "val", "test")


def prepare(options: EWTOptions, folder: Path | None = None) -> Prepared:
    """The dataset with as many sentences as asked for.

    Arguments:
        folder: of the CoNLL-U files; none given: where they are fetched to.

    Raises:
        StudyError: a file is missing, altered or no CoNLL-U, or has too few sentences.
    """
    paths = [folder / Path(s).name if folder else _TOP / s for s in options.sources]
    record = _TOP / "data" / "ud_english_ewt.dvc"
    md5 = {} if folder else {path.name: tracked_md5(path, record) for path in paths}
    whole = {name: read_conllu(path) for name, path in zip(_SPLITS, paths, strict=True)}
    parts = {
        name: [
            sentence
            for sentence in own
            if len(sentence.words) <= options.length
            and (name == "test" or options.genre in ("all", sentence.genre))
        ]
        for name, own in whole.items()
    }
    tables = chosen(parts, options.sentences, "the English Web Treebank")
    words, tags = vocabulary(tables["train"]), tag_sets(whole["train"])
    arrays = {
        name: encoded(own, words, tags, options.length, options.letters)
        | {"foreign": np.array([options.genre not in ("all", s.genre) for s in own])}
        for name, own in tables.items()
    }
    facts = {"tags": tags, "words": len(words), "genres": options.genre != "all"}
    return Prepared(arrays.items(), md5, facts)


def read_conllu(path: Path) -> list[Sentence]:
    """The sentences and their genres, which the names of sentences begin with.

    Lines of several words in one (`1-2`) and of words that are not there (`8.1`) are passed over.

    Raises:
        StudyError: it cannot be read, or a line is none of CoNLL-U.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read as text ({error})") from None
    found, genre = [], ""
    rows: list[list[str]] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.startswith("# sent_id = "):
            genre = line.removeprefix("# sent_id = ").partition("-")[0]
        elif line and not line.startswith("#"):
            row = line.split("\t")
            if len(row) != _FIELDS:
                raise StudyError(f"{path}: line {number}: {len(row)} fields, CoNLL-U has {_FIELDS}")
            if row[0].isdigit():
                rows.append(row)
        elif not line and rows:
            found.append(Sentence(*_columns(rows, f"{path}: line {number - 1}"), genre))
            rows = []
    return found


def _columns(
    rows: list[list[str]], where: str
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    tags = {
        "upos": tuple(row[3] for row in rows),
        "xpos": tuple(row[4] for row in rows),
        "deprel": tuple(row[7].partition(":")[0] for row in rows),
        "head": tuple(_distances(rows, where)),
    }
    return tuple(row[1] for row in rows), tags


def _distances(rows: list[list[str]], where: str) -> Iterator[str]:
    """From each word to its head, as a tag: `root`, `-2` two words to the left."""
    for row in rows:
        if not row[6].isdigit():
            raise StudyError(f"{where}: head '{row[6]}' is no number")
        distance = int(row[6]) - int(row[0])
        within = max(-_FARTHEST, min(_FARTHEST, distance))
        yield "root" if row[6] == "0" else f"{within:+d}"
