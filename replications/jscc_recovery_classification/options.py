"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive

Decibels = Annotated[float, Field(ge=-20, le=40)]


class ModelOptions(Base):
    """An encoder to complex symbols, a channel, a decoder, and classes as subspaces of symbols."""

    conditions = ("snr_db",)

    pixels: Positive = 64
    """Of a picture."""
    hidden: Positive = 128
    """Units of the layers of encoder and decoder."""
    symbols: Positive = 8
    """Complex symbols that are sent for a picture."""
    snr_db: Decibels = 10.0
    """The usual condition of an evaluation."""
    snr_from: Decibels = 0.0
    snr_to: Decibels = 20.0
    """Between these each training picture has a ratio of its own."""
    fading: Literal["none", "rayleigh"] = "none"
    distortion: Annotated[float, Field(gt=0)] = 0.5
    """The squared error up to which the coding rate counts bits."""
    rank: Positive = 1
    """Dimensions of the subspace of a class."""
    classifier: Literal["subspace", "linear"] = "subspace"
    """A class is the subspace of received symbols that is nearest, learned by coding-rate
    reduction; or it comes from a linear layer, learned by cross entropy."""
    gate: Annotated[float, Field(ge=0)] = 0.0
    """The price of a symbol, for which the transmitter, who knows the channel, leaves some out; 0:
    it sends all."""

    @model_validator(mode="after")
    def _range_rises(self) -> ModelOptions:
        if self.snr_from > self.snr_to:
            raise ValueError(f"snr_from {self.snr_from} is above snr_to {self.snr_to}")
        return self
