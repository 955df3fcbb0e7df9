"""Encoders by the names that specifications give them, a mapping for each kind; free of torch.

A new encoder is one entry. What an entry builds is imported inside a function: so specifications
are read without torch, and the hash of a training follows the import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import model_validator

from replications.core.spec.options import ModelOptions, Positive

MOBILENET_V2 = "mobilenet_v2-b0353104.pth"
"""The file of its ImageNet weights, as torchvision calls it."""


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """What every kind of encoder says of itself.

    Attributes:
        strides: pixels of the image to a pixel of the coarsest map, of which one is chosen.
        pretrained: whether there are ImageNet weights of it.
        packaged: their file, where the workflow fetches it; others torchvision or timm downloads.
    """

    strides: tuple[int, ...]
    pretrained: bool = True
    packaged: str = ""


class EncoderOptions(ModelOptions):
    """Of a model that begins with a named encoder."""

    known: ClassVar[Mapping[str, Encoder]]
    """The encoders that may be named."""

    encoder: str
    width: Positive = 16
    """Channels of the thin encoder's first stage."""
    pretrained: bool = False
    """ImageNet weights; the thin encoder has none."""

    @model_validator(mode="after")
    def _encoder_is_known(self) -> EncoderOptions:
        if self.encoder not in self.known:
            raise ValueError(f"unknown encoder '{self.encoder}'; known: {', '.join(self.known)}")
        if self.pretrained and not self.known[self.encoder].pretrained:
            raise ValueError(
                f"the {self.encoder} encoder has no pretrained weights; set pretrained: false"
            )
        return self

    @property
    def weights(self) -> tuple[str, ...]:
        """The file of ImageNet weights, where the workflow fetches it."""
        packaged = self.known[self.encoder].packaged
        return (packaged,) if self.pretrained and packaged else ()


class StridedOptions(EncoderOptions):
    """Of an encoder whose stride may be chosen."""

    stride: Positive = 8
    """Pixels of the image to a cell of the encoder's grid."""

    @model_validator(mode="after")
    def _stride_can_be_had(self) -> StridedOptions:
        strides = self.known[self.encoder].strides if self.encoder in self.known else ()
        if strides and self.stride not in strides:
            allowed = " or ".join(map(str, strides))
            raise ValueError(f"the {self.encoder} encoder needs stride: {allowed}")
        return self
