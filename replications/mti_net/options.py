"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from replications.core.nets.registry import EncoderOptions
from replications.core.nets.registry.multiscale import MULTISCALE
from replications.core.spec.options import Positive


class ModelOptions(EncoderOptions):
    """Backbone, and how the tasks interact between it and their heads."""

    known = MULTISCALE

    pyramid_channels: Positive = 256
    """Channels of each map of the feature pyramid behind every encoder but HRNet."""
    interaction: Literal["none", "pad_net", "mti_net"] = "none"
    """Between backbone and heads: nothing (single-task and plain multi-task), distillation at the
    finest scale (PAD-Net), or at every scale (MTI-Net)."""
    propagation: bool = True
    """MTI-Net's feature propagation module between neighbouring scales."""
    pad_net_channels: Positive = 144
    """Channels of the task features of PAD-Net."""
    auxiliary: list[str] = []
    """Tasks that take part in the interaction without a final head."""

    @model_validator(mode="after")
    def _auxiliary_tasks_interact(self) -> ModelOptions:
        if self.auxiliary and self.interaction == "none":
            raise ValueError("auxiliary tasks need interaction: pad_net or mti_net")
        return self
