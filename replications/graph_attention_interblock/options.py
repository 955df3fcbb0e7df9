"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.nets.registry.channel import ChannelOptions
from replications.core.nets.registry.staged import StagedOptions
from replications.core.spec.options import Positive


class ModelOptions(StagedOptions, ChannelOptions):
    """An encoder whose blocks are joined, a channel, and a head for each task."""

    joining: Literal["attention", "relation", "uniform", "last"] = "attention"
    """How blocks are joined: by graph attention and weights of each task; by those weights alone;
    all alike; or only the last is sent."""
    coded: Literal["together", "apart"] = "together"
    """Whether symbols are learned, or carry the bits of the picture after WebP, which the receiver
    then runs the network on."""
    node_channels: Positive = 32
    """Channels of a block's node."""
    rounds: Positive = 2
    """Of attention between blocks."""
    features: Annotated[int, Field(ge=2, multiple_of=2)] = 32
    """Numbers sent for a cell of the encoder's grid; two of them are one symbol. Of pictures in
    three colours on a grid of stride 8, 32 are a twelfth."""
