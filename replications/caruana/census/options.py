"""What can be set about Census-Income; free of torch."""

from __future__ import annotations

from typing import Literal

from replications.caruana.people.options import QUESTIONS
from replications.core.spec.options import DatasetOptions, Positive


class CensusOptions(DatasetOptions):
    """Census-Income (KDD), whose answers become labels and leave the inputs."""

    labels = (*QUESTIONS, "adult")
    sources = ("data/census_income/train.csv", "data/census_income/test.csv")
    implementation = ".decoding:People"

    name: Literal["census_income"] = "census_income"
    people: tuple[Positive, Positive, Positive]
    """How many train, validate and test."""

    @property
    def variant(self) -> str:
        """The number of people in each split."""
        return "x".join(map(str, self.people))

    @property
    def training_samples(self) -> int:
        """As many as are asked for."""
        return self.people[0]

    @property
    def said(self) -> dict[str, str]:
        """How many people each split has."""
        splits = ("train", "val", "test")
        return {split: f"{n:,}" for split, n in zip(splits, self.people, strict=True)}
