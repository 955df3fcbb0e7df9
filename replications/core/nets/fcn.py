"""The decoder of FCN8s (Long, Shelhamer and Darrell, CVPR 2015): scores with skips, upsampled."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FCN8s(nn.Module):
    """1x1 scores on three feature maps, joined from coarse to fine by learned upsampling.

    The coarsest scores are doubled in size and added to those of the next map, twice; the sum is
    brought to the size of the image. Upsampling starts out bilinear, the scores of the skips start
    near zero (the authors' KittiSeg).
    """

    def __init__(self, channels: tuple[int, int, int], outputs: int, finest: int) -> None:
        """`channels`: of the maps, fine to coarse; `finest`: stride of the finest, 1 or even."""
        super().__init__()
        self.scores = nn.ModuleList(nn.Conv2d(width, outputs, 1) for width in channels)
        for skip in self.scores[:-1]:
            nn.init.normal_(skip.weight, std=1e-3)  # type: ignore[arg-type]
            nn.init.zeros_(skip.bias)  # type: ignore[arg-type]
        self.doubling = nn.ModuleList(upsampling(outputs, 2) for _ in channels[1:])
        self.last = upsampling(outputs, finest) if finest > 1 else nn.Identity()

    def forward(self, features: tuple[Tensor, ...], size: tuple[int, int]) -> Tensor:
        """Maps of stride s, 2s, 4s of an image of `size` to (B, outputs, *size)."""
        fine, middle, coarse = (
            score(feature) for score, feature in zip(self.scores, features, strict=True)
        )
        joined = middle + self.doubling[0](coarse)
        result: Tensor = self.last(fine + self.doubling[1](joined))
        if result.shape[-2:] != size:
            raise ValueError(f"decoded {tuple(result.shape[-2:])} of an image of {size}")
        return result


def upsampling(channels: int, factor: int) -> nn.ConvTranspose2d:
    """A transposed convolution that starts out as bilinear upsampling of every channel alone."""
    layer = nn.ConvTranspose2d(
        channels, channels, 2 * factor, stride=factor, padding=factor // 2, bias=False
    )
    position = torch.arange(2 * factor)
    triangle = 1 - (position - factor + 0.5).abs() / factor
    with torch.no_grad():
        layer.weight.zero_()
        for channel in range(channels):
            layer.weight[channel, channel] = triangle[:, None] * triangle
    return layer
