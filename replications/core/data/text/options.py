"""What can be set about datasets of sentences; free of torch."""

from __future__ import annotations

from replications.core.spec.options import DatasetOptions, Positive


class SentenceOptions(DatasetOptions):
    """Sentences of words that have tags."""

    sentences: tuple[Positive, Positive, Positive]
    """How many train, validate and test."""
    length: Positive
    """Words of the longest sentence that is kept."""

    @property
    def variant(self) -> str:
        """The number of sentences in each split, and their longest."""
        return f"{'x'.join(map(str, self.sentences))}-{self.length}"

    @property
    def training_samples(self) -> int:
        """As many as are asked for."""
        return self.sentences[0]

    @property
    def said(self) -> dict[str, str]:
        """How many sentences each split has."""
        splits = ("train", "val", "test")
        return {split: f"{n:,}" for split, n in zip(splits, self.sentences, strict=True)}
