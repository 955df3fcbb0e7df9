"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive


class ModelOptions(Base):
    """SegNet with the attention modules of MTAN (Liu et al., 2019, section 3)."""

    width: Positive
    """Channels of the encoder's first stage; every stage has twice those of the one before, up to
    eight times these, as in VGG-16."""
    convolutions: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=1)]
    """3x3 convolutions of each stage, in the encoder and in the decoder alike; every stage of the
    encoder ends by halving the size."""
    stride: Literal[1, 2, 4] = 1
    """Of the first convolution; above 1 predictions are upsampled to the image's size."""
    attention: bool = True
    """Without it a task's head sees the decoder's last features alone: SegNet, which the paper
    trains for the single tasks."""

    @property
    def widths(self) -> list[int]:
        """Channels of the encoder's stages."""
        return [self.width * min(2**stage, 8) for stage in range(len(self.convolutions))]
