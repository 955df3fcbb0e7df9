"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.nets.registry.channel import ChannelOptions
from replications.core.spec.options import Positive

Width = Annotated[int, Field(ge=4, multiple_of=4)]


class ModelOptions(ChannelOptions):
    """Encoder and decoders of one kind, and clients that may learn them."""

    kind: Literal["swin", "convolutions"] = "swin"
    width: Width = 16
    """Channels of Swin blocks at half of the picture's sides; twice as many at a quarter."""
    convolution_width: Width = 36
    """Channels of convolutions there, so many that both kinds have as many parameters."""
    features: Annotated[int, Field(ge=2, multiple_of=2)] = 2
    """Numbers at each sixteenth of the picture; two of them are one symbol."""
    clients: Annotated[int, Field(ge=0)] = 0
    """How many have pictures of their own and learn in phases `client0`, `client1` and so on, after
    the last of which their networks are averaged; in a phase `client` one of them learns for
    itself. 0: one has all."""
    split: Literal["categories", "parts"] = "categories"
    """What a client has: the pictures of its share of the categories, or those of its phase's
    `part`."""
    categories: Positive = 10
