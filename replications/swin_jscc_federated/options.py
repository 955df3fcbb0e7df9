"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive

Width = Annotated[int, Field(ge=4, multiple_of=4)]
Decibels = Annotated[float, Field(ge=-20, le=40)]


class ModelOptions(Base):
    """Encoder and decoders of one kind, and clients that may learn them."""

    conditions = ("snr_db",)

    kind: Literal["swin", "convolutions"] = "swin"
    width: Width = 16
    """Channels of Swin blocks at half of the picture's sides; twice as many at a quarter."""
    convolution_width: Width = 36
    """Channels of convolutions there, so many that both kinds have as many parameters."""
    features: Annotated[int, Field(ge=2, multiple_of=2)] = 2
    """Numbers at each sixteenth of the picture; two of them are one symbol."""
    snr_from: Decibels = 0.0
    snr_to: Decibels = 20.0
    """Between these each training picture has a ratio of its own."""
    snr_db: Decibels = 10.0
    """The usual condition of an evaluation."""
    clients: Annotated[int, Field(ge=0)] = 0
    """How many share the categories between them and learn in phases `client0`, `client1` and so
    on, after the last of which their networks are averaged; 0: one has all."""
    categories: Positive = 10
