"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.nets.registry.staged import StagedOptions
from replications.core.spec.options import Positive


class ModelOptions(StagedOptions):
    """Several encoders, mixed for every task by a gate."""

    shared: Positive = 4
    """Experts of all tasks."""
    own: Annotated[int, Field(ge=0)] = 0
    """Further experts of each task alone: CGC; without any, MMoE."""
    seen: tuple[Positive, Positive] = (8, 16)
    """Height and width of what a gate sees, means over the image."""
