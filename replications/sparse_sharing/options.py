"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.nets.registry.staged import StagedOptions


class ModelOptions(StagedOptions):
    """An encoder of which every task uses some of the weights."""

    prunings: Annotated[int, Field(ge=0)] = 0
    """Of a single task: after how many rounds weights are pruned; a round trains what the last one
    left, from the weights of the beginning."""
    left: Annotated[float, Field(gt=0, le=1)] = 0.5
    """The share of the encoder's weights, of convolutions or LSTMs, that is left to a task."""
    masks: Literal["learned", "random"] = "learned"
    """Of several tasks: the weights that pruning left to each (those of the runs that it needs), or
    others that are drawn, as many of every layer; without such runs the share `left`."""
