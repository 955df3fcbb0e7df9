"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.nets.registry import EncoderOptions
from replications.core.nets.registry.multiscale import MULTISCALE
from replications.core.spec.options import Positive


class ModelOptions(EncoderOptions):
    """Faster R-CNN on a feature pyramid, with a branch for masks where the run trains them."""

    known = MULTISCALE

    encoder: str = "mobilenet_v2"
    pretrained: bool = True
    pyramid: Positive = 64
    """Channels of the feature pyramid."""
    hidden: Positive = 128
    """Units of the layers that classify a region."""
    anchors: Annotated[list[float], Field(min_length=4, max_length=4)] = [8, 16, 32, 64]
    """The side of the anchors on each map of the pyramid, in pixels."""
    detections: Positive = 30
    """The most that are found in a picture."""
    auxiliary: list[str] = []
    """Tasks in training alone, as the run names them: `masks`."""
