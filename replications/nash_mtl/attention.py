"""The attention modules of MTAN (Liu, Johns and Davison, CVPR 2019), a set for each task."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from replications.core.nets.resize import bilinear
from replications.mtan.attention import Mask
from replications.nash_mtl.options import ModelOptions
from replications.nash_mtl.segnet import conv_bn_relu, decoded, pool


class Prediction(nn.Module):
    """A 3x3 and a 1x1 convolution to a task's outputs, at the size of the image."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, inputs, 3, padding=1), nn.Conv2d(inputs, outputs, 1)
        )

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, *size)."""
        return bilinear(self.layers(x), size)


class PlainHead(nn.Module):
    """A prediction from the decoder's last features alone: a head of SegNet."""

    def __init__(self, options: ModelOptions, outputs: int) -> None:
        super().__init__()
        self.predict = Prediction(options.widths[0], outputs)

    def forward(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """The maps of `SegNet` to (B, outputs, *size)."""
        prediction: Tensor = self.predict(features[-1], size)
        return prediction


class AttentionHead(nn.Module):
    """One task's way along the shared stages: what it keeps at one, it takes to the next.

    At stage j the task keeps a_j = mask([u_j; b_j]) * p_j of the shared features. b_j is a_{j-1}
    behind a 3x3 convolution (f), pooled in the encoder and upsampled in the decoder; the first
    stage has none. The prediction is made from the last a_j.
    """

    def __init__(self, options: ModelOptions, outputs: int) -> None:
        super().__init__()
        widths, up = options.widths, decoded(options.widths)
        seen = [widths[0], *(2 * width for width in widths[1:])]
        self.encoder_masks = nn.ModuleList(map(Mask, seen, widths))
        self.encoder_bridges = nn.ModuleList(map(conv_bn_relu, widths, [*widths[1:], widths[-1]]))
        self.decoder_bridges = nn.ModuleList(map(conv_bn_relu, [widths[-1], *up], up))
        seen = [below + own for below, own in zip(reversed(widths), up, strict=True)]
        self.decoder_masks = nn.ModuleList(map(Mask, seen, up))
        self.predict = Prediction(up[-1], outputs)

    def forward(self, features: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """The maps of `SegNet` to (B, outputs, *size)."""
        maps = iter(features)
        carried: list[Tensor] = []
        for mask, bridge in zip(self.encoder_masks, self.encoder_bridges, strict=True):
            u, p = next(maps), next(maps)
            kept = mask(torch.cat([u, *carried], dim=1)) * p
            carried = [pool(bridge(kept))[0]]
        for mask, bridge in zip(self.decoder_masks, self.decoder_bridges, strict=True):
            u, p = next(maps), next(maps)
            above = bridge(bilinear(carried[0], (u.shape[-2], u.shape[-1])))
            carried = [mask(torch.cat([u, above], dim=1)) * p]
        prediction: Tensor = self.predict(carried[0], size)
        return prediction
