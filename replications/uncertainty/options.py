"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive


class ModelOptions(Base):
    """Encoder, ASPP and heads (section 4 of the paper)."""

    encoder: Literal["thin", "resnet50", "resnet101"]
    width: Positive = 16
    """Channels of the thin encoder's first stage."""
    pretrained: bool = False
    """ImageNet weights; for ResNet-50 and -101."""
    aspp_channels: Positive = 256
    aspp_rates: Annotated[list[Positive], Field(min_length=1)] = [1, 12, 24, 36]
    head_channels: Positive = 256

    @model_validator(mode="after")
    def _thin_has_no_weights(self) -> ModelOptions:
        if self.encoder == "thin" and self.pretrained:
            raise ValueError("the thin encoder has no pretrained weights; set pretrained: false")
        return self
