"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.nets.registry.staged import STAGES, StagedOptions


class ModelOptions(StagedOptions):
    """An encoder and heads."""

    common: Annotated[int, Field(ge=0, le=STAGES)] = STAGES
    """The stages that all tasks share, the first ones; behind them every task has its own."""
