"""What can be set about QM9; free of torch."""

from __future__ import annotations

from typing import Literal

from replications.core.spec.options import DatasetOptions, Positive
from replications.nash_qm9.molecules.options import PROPERTIES


class QM9Options(DatasetOptions):
    """QM9, from the tables of the package `qm9pack`."""

    labels = tuple(PROPERTIES)
    implementation = ".decoding:Molecules"
    examples = ".examples:figure"

    name: Literal["qm9"] = "qm9"
    molecules: tuple[Positive, Positive, Positive]
    """How many train, validate and test."""

    @property
    def variant(self) -> str:
        """The number of molecules in each split."""
        return "x".join(map(str, self.molecules))

    @property
    def training_samples(self) -> int:
        """As many as are asked for."""
        return self.molecules[0]

    @property
    def said(self) -> dict[str, str]:
        """How many molecules each split has."""
        splits = ("train", "val", "test")
        return {split: f"{n:,}" for split, n in zip(splits, self.molecules, strict=True)}
