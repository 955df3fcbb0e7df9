"""The decoder of FCN8s (Long, Shelhamer and Darrell, CVPR 2015): scores with skips, upsampled."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from replications.core.nets.registry.pyramid import Maps


class FCN8s(nn.Module):
    """1x1 scores on three feature maps, joined from coarse to fine by learned upsampling.

    The coarsest scores are brought to the size of the next map and added to its scores, twice; the
    sum is brought to the size of the image. Upsampling starts out bilinear, the scores of the skips
    start near zero (the authors' KittiSeg). Between maps of one stride there is none.
    """

    def __init__(self, maps: Maps, outputs: int) -> None:
        """`maps`: those of the encoder, of which the `skips` are scored."""
        super().__init__()
        self.skips = maps.skips
        fine, middle, coarse = (maps.strides[index] for index in maps.skips)
        self.scores = nn.ModuleList(
            nn.Conv2d(maps.channels[index], outputs, 1) for index in maps.skips
        )
        for skip in self.scores[:-1]:
            nn.init.normal_(skip.weight, std=1e-3)  # type: ignore[arg-type]
            nn.init.zeros_(skip.bias)  # type: ignore[arg-type]
        factors = (coarse // middle, middle // fine)
        self.doubling = nn.ModuleList(upsampling(outputs, factor) for factor in factors)
        self.last = upsampling(outputs, fine)

    def forward(self, features: tuple[Tensor, ...], size: tuple[int, int]) -> Tensor:
        """Maps of an image of `size` to (B, outputs, *size)."""
        fine, middle, coarse = (
            score(features[index]) for score, index in zip(self.scores, self.skips, strict=True)
        )
        joined = middle + self.doubling[0](coarse)
        result: Tensor = self.last(fine + self.doubling[1](joined))
        if result.shape[-2:] != size:
            raise ValueError(f"decoded {tuple(result.shape[-2:])} of an image of {size}")
        return result


def upsampling(channels: int, factor: int) -> nn.Module:
    """A transposed convolution that starts out as bilinear upsampling of every channel alone, by an
    even factor; nothing for the factor 1."""
    if factor == 1:
        return nn.Identity()
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
