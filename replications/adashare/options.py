"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.nets.registry.staged import StagedOptions

NotNegative = Annotated[float, Field(ge=0)]


class ModelOptions(StagedOptions):
    """An encoder whose residual blocks every task selects or skips."""

    policy: Literal["learned", "sampled", "random"] = "sampled"
    """`learned`: what is selected is being learned. `sampled`: it is drawn once from what a run
    that is needed has learned; all blocks without one. `random`: as many blocks of every task, but
    others."""
    sparsity: NotNegative = 0.05
    """The factor on the logarithm of the probability that blocks are selected."""
    sharing: NotNegative = 0.05
    """The factor on how the tasks' probabilities differ, more for lower blocks."""
    temperature: Annotated[float, Field(gt=0)] = 5.0
    """Of the Gumbel-softmax at the beginning of a training."""
    cooled: Annotated[float, Field(gt=0, le=1)] = 0.03
    """The part of the temperature that is left at the end."""
