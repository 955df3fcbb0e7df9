"""What can be set about the English Web Treebank; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.data.text.options import SentenceOptions


class EWTOptions(SentenceOptions):
    """Universal Dependencies 2.15, English Web Treebank (Silveira et al., LREC 2014)."""

    labels = ("upos", "xpos", "deprel", "head", "foreign")
    sources = tuple(
        f"data/ud_english_ewt/en_ewt-ud-{part}.conllu" for part in ("train", "dev", "test")
    )
    implementation = "replications.core.data.text.decoding:Sentences"

    name: Literal["ud_english_ewt"] = "ud_english_ewt"
    letters: Annotated[int, Field(ge=1)] = 12
    """Letters of a word that are read."""
    genre: Literal["all", "answers", "email", "newsgroup", "reviews", "weblog"] = "all"
    """The genre that trains and validates; all test, and metrics tell it from the others."""

    @property
    def variant(self) -> str:
        """The number of sentences, and the genre that trains."""
        genre = "" if self.genre == "all" else f"-{self.genre}"
        return f"{super().variant}{genre}"
