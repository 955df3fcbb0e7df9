"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive


class ModelOptions(Base):
    """SegNet with the attention modules of MTAN (Liu et al., 2019, section 3)."""

    widths: Annotated[list[Positive], Field(min_length=1)]
    """Channels of the encoder's stages; every stage ends by halving the size."""
    convolutions: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=1)]
    """3x3 convolutions of each stage, in the encoder and in the decoder alike."""
    stride: Literal[1, 2, 4] = 1
    """Of the first convolution; above 1 predictions are upsampled to the image's size."""
    attention: bool = True
    """Without it a task's head sees the decoder's last features alone: SegNet, which the paper
    trains for the single tasks."""

    @model_validator(mode="after")
    def _one_count_a_stage(self) -> ModelOptions:
        if len(self.convolutions) != len(self.widths):
            raise ValueError(
                f"{len(self.widths)} widths need as many numbers of convolutions, "
                f"found {len(self.convolutions)}"
            )
        return self
