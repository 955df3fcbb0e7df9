"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive


class ModelOptions(Base):
    """A network with one hidden layer; or with several, mixed for every task by gates."""

    inputs: Positive = 486
    """Units of the input: categories and numbers of Census-Income."""
    hidden: Positive = 64
    """Units of a hidden layer."""
    shared: Annotated[int, Field(ge=0)] = 0
    """Experts of all tasks; without any, one hidden layer that all tasks share (Caruana, 1997)."""
    own: Annotated[int, Field(ge=0)] = 0
    """Further experts of each task alone: CGC; without any, MMoE."""
    levels: Positive = 1
    """Layers of experts; with more than one: PLE."""

    auxiliary: list[str] = []
    """Tasks in training alone, as the run names them."""

    @model_validator(mode="after")
    def _experts_share(self) -> ModelOptions:
        if (self.own or self.levels > 1) and not self.shared:
            raise ValueError("own experts and levels need shared experts")
        return self
