"""Soft sharing: an encoder and a head for each task, and a penalty on how the encoders differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from replications.core.nets.columns import Columns
from replications.core.nets.learner import Moment
from replications.soft_sharing.options import ModelOptions
from replications.soft_sharing.penalties import PENALTIES


class SoftSharing(Columns):
    """Columns whose convolutions are pulled together; heads, biases and batch norm are free."""

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__(channels, options, seed)
        self.penalty = PENALTIES[options.penalty]
        self.name, self.strength = options.penalty, options.strength

    def coupled(self) -> Iterator[Tensor]:
        """The kernels of each convolution of all columns, (K, C', C, h, w)."""
        kernels = [
            [m.weight for m in column.modules() if isinstance(m, nn.Conv2d)]
            for column in self.columns.values()
        ]
        yield from map(torch.stack, zip(*kernels, strict=True))

    def penalties(self, moment: Moment) -> dict[str, Tensor]:
        """The penalty over all convolutions; nothing where it has no strength or no partner."""
        if not self.strength or len(self.columns) == 1:
            return {}
        total = torch.stack([self.penalty(stacked) for stacked in self.coupled()]).sum()
        return {self.name: self.strength * total}


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> SoftSharing:
    """The model for the tasks in `channels` (task: channels of its prediction)."""
    return SoftSharing(channels, options, seed)
