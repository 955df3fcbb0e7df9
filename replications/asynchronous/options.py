"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive

Decibels = Annotated[float, Field(ge=-20, le=40)]


class ModelOptions(Base):
    """An encoder to complex symbols, a channel, and a decoder of each task."""

    conditions = ("snr_db",)

    width: Positive = 16
    """Channels of the first layer."""
    features: Annotated[int, Field(ge=2, multiple_of=2)] = 2
    """Numbers at each sixteenth of the picture; two of them are one symbol."""
    snr_from: Decibels = 0.0
    snr_to: Decibels = 20.0
    """Between these each training picture has a ratio of its own."""
    snr_db: Decibels = 10.0
    """The usual condition of an evaluation."""
    auxiliary: list[str] = []
    """Tasks that are trained and not measured: `contrast`."""
