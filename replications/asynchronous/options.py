"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.nets.registry.channel import ChannelOptions
from replications.core.spec.options import Positive


class ModelOptions(ChannelOptions):
    """An encoder to complex symbols, a channel, and a decoder of each task."""

    width: Positive = 16
    """Channels of the first layer."""
    features: Annotated[int, Field(ge=2, multiple_of=2)] = 2
    """Numbers at each sixteenth of the picture; two of them are one symbol."""
    changes: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Between two views of a picture, as a share of the usual ones."""
    auxiliary: list[str] = []
    """Tasks that are trained and not measured: `contrast`."""
