"""The detection and classification decoders of MultiNet (section III of the paper)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from replications.core.nets.registry.pyramid import Maps
from replications.core.nets.roi_align import roi_align
from replications.multinet.options import ModelOptions
from replications.multinet.vehicles.cells import Grid, corners_of
from replications.multinet.vehicles.task import STAGE

_BINS = 3
"""Samples of the rezoom layer per side of a box (authors' code: offsets of -1/4, 0 and 1/4)."""


class DetectionDecoder(nn.Module):
    """FastBox: per cell of the encoder's grid a confidence and a box, then the rezoom layer.

    A 1x1 bottleneck feeds a first estimate. The rezoom layer pools finer features of the encoder
    inside the estimated box (RoI alignment) and, from them and the bottleneck, predicts what to
    add to the box and a new confidence.
    """

    def __init__(self, maps: Maps, options: ModelOptions) -> None:
        """`maps`: those of the encoder."""
        super().__init__()
        self.early = maps.early
        self.bottleneck = nn.Sequential(
            nn.Conv2d(maps.channels[-1], options.hidden, 1), nn.ReLU(), nn.Dropout(options.dropout)
        )
        self.first = nn.Conv2d(options.hidden, STAGE, 1)
        self.rezoom = Rezoom(maps.channels[maps.early], options) if options.rezoom else None

    def forward(self, features: tuple[Tensor, ...], size: tuple[int, int]) -> Tensor:
        """Maps of an image of `size` to (B, 6, rows, columns), or (B, 12, ...) with rezoom."""
        hidden = self.bottleneck(features[-1])
        first: Tensor = self.first(hidden)
        if self.rezoom is None:
            return first
        return torch.cat([first, self.rezoom(features[self.early], hidden, first, size)], dim=1)


class Rezoom(nn.Module):
    """The rezoom layer: corrects box and confidence of every cell with finer features."""

    def __init__(self, channels: int, options: ModelOptions) -> None:
        super().__init__()
        self.channels = min(channels, options.rezoom_channels)
        inputs = options.hidden + self.channels * _BINS**2
        self.correction = nn.Sequential(
            nn.Linear(inputs, options.rezoom_hidden),
            nn.ReLU(),
            nn.Dropout(options.dropout),
            nn.Linear(options.rezoom_hidden, STAGE),
        )

    def forward(self, fine: Tensor, hidden: Tensor, first: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, 6, rows, columns): the new confidence logits, and the box after its correction."""
        grid = Grid.over(size, (first.shape[2], first.shape[3]))
        numbers = first[:, 2:].flatten(2).transpose(1, 2)
        boxes = corners_of(grid, numbers.detach().float())
        zoomed = roi_align(fine[:, : self.channels], boxes, size, _BINS)
        # Channels last, the order they lie in memory.
        rows = [hidden.flatten(2).transpose(1, 2), zoomed.permute(0, 1, 3, 4, 2).flatten(2)]
        correction = self.correction(torch.cat(rows, dim=-1))
        final: Tensor = torch.cat([correction[..., :2], numbers + correction[..., 2:]], dim=-1)
        return final.transpose(1, 2).reshape(len(final), -1, grid.rows, grid.columns)


class ClassificationDecoder(nn.Module):
    """A 1x1 bottleneck, and a fully connected layer over the whole flattened grid."""

    def __init__(self, channels: int, outputs: int, options: ModelOptions) -> None:
        super().__init__()
        self.grid = options.grid
        self.bottleneck = nn.Sequential(
            nn.Conv2d(channels, options.scene_channels, 1), nn.ReLU(), nn.Dropout(options.dropout)
        )
        rows, columns = options.grid
        self.out = nn.Linear(options.scene_channels * rows * columns, outputs)

    def forward(self, features: tuple[Tensor, ...], size: tuple[int, int]) -> Tensor:
        """Maps of an image to (B, outputs) logits."""
        found = tuple(features[-1].shape[-2:])
        if found != self.grid:
            raise ValueError(
                f"model.grid is {self.grid}, but images of {size} have a grid of {found}"
            )
        logits: Tensor = self.out(self.bottleneck(features[-1]).flatten(1))
        return logits
