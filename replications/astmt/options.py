"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.nets.registry.staged import StagedOptions
from replications.core.spec.options import Positive


class ModelOptions(StagedOptions):
    """An encoder that is run for one task at a time, each with parts of its own."""

    excitation: bool = True
    """Squeeze and excitation behind every block, of each task."""
    reduction: Positive = 16
    """Channels to a hidden unit of an excitation, as in the paper."""
    least: Positive = 8
    """Hidden units of an excitation at least: of few channels a single one would be dead half the
    time."""
    adapters: bool = True
    """A 1x1 convolution beside every 3x3 convolution, of each task."""
    norms: bool = True
    """The factors and offsets of batch norm of each task; else of all. Its running statistics are
    always the task's."""
    adversary: Annotated[float, Field(ge=0)] = 1.0
    """The factor on the loss by which a discriminator learns to tell from a gradient whose it is,
    and the network not to let it; 0: there is none."""
    hidden: Positive = 32
    """Channels of the discriminator."""
