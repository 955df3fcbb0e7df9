"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.nets.registry import StridedOptions
from replications.core.nets.registry.pyramid import PYRAMIDS
from replications.core.spec.options import Positive


class ModelOptions(StridedOptions):
    """Encoder and decoders (section III of the paper)."""

    known = PYRAMIDS

    stride: Positive = 32
    """Pixels of the image to a cell of the encoder's grid."""
    grid: tuple[Positive, Positive]
    """Rows and columns of that grid: the image's size over the stride. The classification decoder
    has a weight for each of its cells."""
    hidden: Positive = 500
    """Channels of the detection decoder's bottleneck."""
    rezoom: bool = True
    rezoom_channels: Positive = 256
    """How many channels of the finer features the rezoom layer sees."""
    rezoom_hidden: Positive = 128
    scene_channels: Positive = 30
    """Channels of the classification decoder's bottleneck."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
