"""Options of models that send symbols through a noisy channel; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from replications.core.spec.options import ModelOptions

Decibels = Annotated[float, Field(ge=-20, le=40)]


class ChannelOptions(ModelOptions):
    """The signal-to-noise ratio in training and evaluation, see `core.nets.channel`."""

    conditions = ("snr_db",)

    snr_from: Decibels = 0.0
    snr_to: Decibels = 20.0
    """Between these each training picture has a ratio of its own."""
    snr_db: Decibels = 10.0
    """The usual condition of an evaluation."""

    @model_validator(mode="after")
    def _range_rises(self) -> ChannelOptions:
        if self.snr_from > self.snr_to:
            raise ValueError(f"snr_from {self.snr_from} is above snr_to {self.snr_to}")
        return self
