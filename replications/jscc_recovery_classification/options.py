"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.nets.registry.channel import ChannelOptions
from replications.core.spec.options import Positive


class ModelOptions(ChannelOptions):
    """An encoder to complex symbols, a channel, a decoder, and classes as subspaces of symbols."""

    pixels: Positive = 64
    """Of a picture."""
    hidden: Positive = 128
    """Units of the layers of encoder and decoder."""
    symbols: Positive = 8
    """Complex symbols that are sent for a picture."""
    fading: Literal["none", "rayleigh"] = "none"
    distortion: Annotated[float, Field(gt=0)] = 0.5
    """The squared error up to which the coding rate counts bits."""
    rank: Positive = 1
    """Dimensions of the subspace of a class."""
    classifier: Literal["subspace", "linear"] = "subspace"
    """A class is the subspace of received symbols that is nearest, learned by coding-rate
    reduction; or it comes from a linear layer, learned by cross entropy."""
    gate: Annotated[float, Field(ge=0)] = 0.0
    """The price of a symbol, for which the transmitter, who knows the channel, leaves some out; 0:
    it sends all."""
