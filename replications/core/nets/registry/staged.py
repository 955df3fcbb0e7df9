"""Encoders in stages, of which tasks may have some in common and others of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from replications.core.nets.registry import MOBILENET_V2, Encoder, StridedOptions
from replications.core.spec.options import Positive

if TYPE_CHECKING:
    from torch import nn

STAGES = 4
HeadKind = Literal["map", "cells", "image", "words"]
"""A prediction for every pixel, for every cell of the encoder's grid, for the image, or for every
word."""


@dataclass(frozen=True, kw_only=True)
class Staged(Encoder):
    """An encoder of four stages, each (B, C, H, W) to (B, C', H', W').

    Attributes:
        build: from the width of the thin encoder, the stride, and whether with ImageNet weights.
        channels: the four C', from the width of the thin encoder.
    """

    build: Callable[[int, int, bool], list[nn.Module]]
    channels: Callable[[int], tuple[int, ...]]


def _thin(width: int, stride: int, pretrained: bool) -> list[nn.Module]:
    from replications.core.nets.stages import thin

    return thin(width)


def _resnet18(width: int, stride: int, pretrained: bool) -> list[nn.Module]:
    from replications.core.nets.stages import resnet18

    return resnet18(pretrained)


def _mobilenet_v2(width: int, stride: int, pretrained: bool) -> list[nn.Module]:
    from replications.core.nets.mobilenet import stages

    return stages(stride, pretrained)


def _bilstm(width: int, stride: int, pretrained: bool) -> list[nn.Module]:
    from replications.core.nets.recurrent import stages

    return stages(4 * width)


STAGED = {
    "thin": Staged(
        strides=(8,),
        pretrained=False,
        build=_thin,
        channels=lambda width: (width, 2 * width, 4 * width, 8 * width),
    ),
    "resnet18": Staged(strides=(32,), build=_resnet18, channels=lambda width: (64, 128, 256, 512)),
    "mobilenet_v2": Staged(
        strides=(8, 16, 32),
        packaged=MOBILENET_V2,
        build=_mobilenet_v2,
        channels=lambda width: (24, 32, 96, 320),
    ),
    "bilstm": Staged(
        strides=(),  # words stay as many as they are
        pretrained=False,
        build=_bilstm,
        channels=lambda width: (4 * width,) * STAGES,
    ),
}


PICTURES = {name: kind for name, kind in STAGED.items() if kind.strides}
WORDS = {name: kind for name, kind in STAGED.items() if not kind.strides}
"""The encoders of either; systems that suit words say so."""


class StagedOptions(StridedOptions):
    """An encoder in stages, and a head for each task."""

    known = PICTURES

    head_channels: Positive = 32
    heads: dict[str, HeadKind] = {}
    """What a task's head predicts for; none given: every pixel, or every word."""

    @model_validator(mode="after")
    def _heads_suit_the_encoder(self) -> StagedOptions:
        reads = self.encoder in self.known and not self.known[self.encoder].strides
        if unfit := [task for task, kind in self.heads.items() if (kind == "words") != reads]:
            raise ValueError(
                f"heads: {unfit[0]}: {self.heads[unfit[0]]}: the {self.encoder} encoder is one of "
                f"{'words' if reads else 'pictures'}"
            )
        return self

    def head_of(self, task: str) -> HeadKind:
        """What the head of a task predicts for."""
        return self.heads.get(task, "map" if self.known[self.encoder].strides else "words")
