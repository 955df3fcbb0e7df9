"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.nets.registry.staged import STAGES, StagedOptions


class ModelOptions(StagedOptions):
    """An encoder with heads at several depths."""

    depths: dict[str, Annotated[int, Field(ge=1, le=STAGES)]] = {}
    """The stages in front of a task's head; none given: all."""
