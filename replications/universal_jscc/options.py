"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import Field, model_validator

from replications.core.nets.registry.channel import Decibels
from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive

Order = Literal["bpsk", "qpsk", "qam16", "qam64", "qam256"]


class ModelOptions(Base):
    """Features of a picture as words of a codebook, each sent as one symbol."""

    conditions = ("snr_db",)

    width: Positive = 16
    """Channels of the first layer."""
    features: Positive = 8
    """Numbers in a word."""
    orders: Annotated[list[Order], Field(min_length=1)] = [
        "bpsk",
        "qpsk",
        "qam16",
        "qam64",
        "qam256",
    ]
    """The modulations, from few to many points; each has a codebook of as many words."""
    from_db: list[Decibels] = [0.0, 5.0, 10.0, 16.0, 22.0]
    """The ratio from which each modulation is used; below the first it is the first."""
    to_db: Decibels = 28.0
    """The highest ratio that training draws."""
    snr_db: Decibels = 13.0
    """The usual condition of an evaluation."""
    spread: bool = False
    """Whether an evaluation gives each picture a ratio of its own instead, from those that training
    draws: what is trained for several is then judged by all of them."""
    norms: Literal["own", "shared"] = "own"
    """Whether each modulation has batch norms of its own, behind every layer."""
    commitment: Annotated[float, Field(ge=0)] = 0.25
    """What the distance of features from their words costs the encoder, beside the losses of the
    tasks."""
    kept: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """What words keep of themselves at a step of training."""

    @model_validator(mode="after")
    def _ranges_rise(self) -> ModelOptions:
        if len(self.from_db) != len(self.orders):
            raise ValueError(
                f"from_db has {len(self.from_db)} ratios for {len(self.orders)} orders"
            )
        ends = [*self.from_db, self.to_db]
        if any(low >= high for low, high in itertools.pairwise(ends)):
            raise ValueError(f"from_db and to_db do not rise: {ends}")
        return self
