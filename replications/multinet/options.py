"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive


class ModelOptions(Base):
    """Encoder and decoders (section III of the paper)."""

    encoder: Literal["thin", "vgg16", "resnet50"]
    width: Positive = 16
    """Channels of the thin encoder's first stage."""
    pretrained: bool = False
    """ImageNet weights; for VGG16 and ResNet-50."""
    stride: Literal[8, 16, 32] = 32
    """Pixels of the image to a cell of the encoder's grid; the thin encoder has 8."""
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

    @model_validator(mode="after")
    def _thin_is_as_it_is(self) -> ModelOptions:
        if self.encoder == "thin" and (self.pretrained or self.stride != 8):
            raise ValueError("the thin encoder needs stride: 8 and pretrained: false")
        return self
