"""What can be set about datasets of small grey pictures; free of torch."""

from __future__ import annotations

from replications.core.spec.options import DatasetOptions, Positive


class GreyOptions(DatasetOptions):
    """Pictures, each an input and, as `picture`, a label, with the category of what they show."""

    labels = ("picture", "category")
    implementation = "replications.core.data.grey.decoding:GreyPictures"
    examples = "replications.core.data.grey.examples:figure"


class PickedOptions(GreyOptions):
    """Of a larger dataset, as many as asked for."""

    pictures: tuple[Positive, Positive, Positive]
    """How many train, validate and test."""

    @property
    def variant(self) -> str:
        """The number of pictures in each split."""
        return "x".join(map(str, self.pictures))

    @property
    def training_samples(self) -> int:
        """As many as are asked for."""
        return self.pictures[0]

    @property
    def said(self) -> dict[str, str]:
        """How many pictures each split has."""
        splits = ("train", "val", "test")
        return {split: f"{n:,}" for split, n in zip(splits, self.pictures, strict=True)}
