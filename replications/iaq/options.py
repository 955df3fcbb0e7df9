"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from replications.core.nets.registry.channel import Decibels
from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive

Allocation = Literal[
    "incremental", "water_filling", "uniform", "shuffled", "energy", "resolutions", "mask"
]


class ModelOptions(Base):
    """A vision transformer, and how patches are sent to it."""

    conditions = ("bits", "snr_db")

    side: Positive = 28
    """Of a picture."""
    patch: Positive = 4
    """Side of a patch."""
    width: Positive = 48
    """Numbers in a token."""
    depth: Positive = 4
    attention_heads: Positive = 4
    allocation: Allocation = "incremental"
    """How bits are given to patches. By importance: one after the other where it helps most
    (`incremental`) or by a formula (`water_filling`); to all alike (`uniform`); as by importance
    but to others (`shuffled`), or to those that the mean picture is least like (`energy`); as three
    resolutions by importance (`resolutions`), or all or nothing (`mask`)."""
    bits: Annotated[float, Field(gt=0, le=8)] = 1.0
    """The usual budget of an evaluation, in bits per pixel, side information included."""
    mean_bits: Annotated[int, Field(ge=1, le=8)] = 4
    """Of a mean that is sent, of `resolutions` and `mask`."""
    most: Annotated[int, Field(ge=1, le=8)] = 7
    """Bits of a pixel at most."""
    snr_db: Decibels = 40.0
    """The usual ratio of an evaluation; at 40 dB no bit of QPSK is wrong."""

    @model_validator(mode="after")
    def _patches_fill_the_picture(self) -> ModelOptions:
        if self.side % self.patch:
            raise ValueError(f"patches of {self.patch} do not fill a side of {self.side}")
        if self.width % self.attention_heads:
            raise ValueError(f"width {self.width} is no multiple of {self.attention_heads} heads")
        return self
