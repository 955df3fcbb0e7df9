"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from replications.core.nets.registry import EncoderOptions
from replications.core.nets.registry.staged import PICTURES
from replications.core.spec.options import Positive


class ModelOptions(EncoderOptions):
    """An encoder of pictures, one of texts, and a decoder that asks them for each task."""

    known = PICTURES

    encoder: str = "mobilenet_v2"
    pretrained: bool = True
    stride: Literal[8, 16, 32] = 16
    """Pixels of the picture to a cell that the decoder sees."""
    dim: Positive = 64
    """Channels of everything that attends."""
    attention_heads: Positive = 4
    layers: Positive = 2
    """Of the encoder of texts, and of the decoder."""
    queries: tuple[Positive, Positive] = (4, 8)
    """Rows and columns of the places from which things are looked for."""
    letters: Positive = 16
    """Numbers to a character, before they become `dim` channels."""
    length: Positive = 48
    """Characters of the longest text."""
    decoder: Literal["shared", "separate"] = "shared"
    """One decoder for all tasks, or one for each; encoders and heads are the same."""
    steps: Literal["together", "alternating"] = "together"
    """A step trains all tasks; or, in turn, those on pictures and those on texts. Of as many
    samples if its batches are of twice as many."""
    detections: Positive = 20
    """The most that are found in a picture."""

    @model_validator(mode="after")
    def _can_be_shared_out(self) -> ModelOptions:
        if self.dim % self.attention_heads:
            raise ValueError(f"dim {self.dim} is no multiple of {self.attention_heads} heads")
        if self.dim % 4:
            raise ValueError(
                f"dim {self.dim} is no multiple of 4: rows and columns, sine and cosine"
            )
        return self
