"""What can be set about pictures with texts beside them; free of torch."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from replications.core.data.streets.options import StreetsOptions
from replications.core.spec.options import DatasetOptions, Positive

_FILES = {
    "book_reviews": ("data/book_reviews/neg.txt", "data/book_reviews/pos.txt"),
    "korean_comments": ("data/korean_comments/train.tsv", "data/korean_comments/dev.tsv"),
}
_LABELS = {"book_reviews": ("sentiment",), "korean_comments": ("bias", "hate")}


class ScenesOptions(DatasetOptions):
    """Streets, each picture with some texts that have nothing to do with it: the two parts of a
    dataset whose tasks have their samples in turn."""

    implementation = ".decoding:Scenes"

    name: Literal["streets_and_texts"] = "streets_and_texts"
    size: tuple[Positive, Positive]
    """Rows and columns that the pictures are reduced to."""
    texts: Literal["book_reviews", "korean_comments"] = "book_reviews"
    texts_each: Positive = 8
    """Texts beside a picture."""
    length: Positive = 48
    """Characters of a text that are read."""
    flip: bool = True
    """Mirror half of the training pictures."""

    labels = ("instances", "semseg", "scene", "sentiment", "bias", "hate")
    together = 4  # frames of a street
    facts = {"train": 480, "val": 120, "test": 200}

    @model_validator(mode="after")
    def _has_so_many(self) -> ScenesOptions:
        if self.texts == "korean_comments" and self.texts_each > 10:
            raise ValueError("korean_comments has texts for texts_each: 10 at most")
        return self

    @property
    def sources(self) -> tuple[str, ...]:  # type: ignore[override]
        """The archives of pictures, and the files of text."""
        return (*StreetsOptions.sources, *_FILES[self.texts])

    @property
    def text_labels(self) -> tuple[str, ...]:
        """What is known of the texts."""
        return _LABELS[self.texts]

    @property
    def variant(self) -> str:
        """Rows x columns of pictures, number x length of texts."""
        height, width = self.size
        return f"{height}x{width}-{self.texts}-{self.texts_each}x{self.length}"

    @property
    def said(self) -> dict[str, str]:
        """The size, columns x rows, and how many texts train."""
        texts = self.facts["train"] * self.texts_each
        return {"size": rf"{self.size[1]}$\times${self.size[0]}", "texts": f"{texts:,}"}
