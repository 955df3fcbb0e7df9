"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.nets.registry.staged import StagedOptions


class ModelOptions(StagedOptions):
    """An encoder for each task, and what pulls their weights together."""

    penalty: Literal["l2", "trace_norm"] = "l2"
    strength: Annotated[float, Field(ge=0)] = 0.0
    """The factor on the penalty; 0: the single-task networks, which have nothing to do with each
    other."""
