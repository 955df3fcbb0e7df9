"""SegNet (Badrinarayanan et al., 2017): an encoder, and a decoder that undoes its poolings."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from replications.nash_mtl.options import ModelOptions


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """The maxima of 2x2 windows and where they lie: (B, C, H, W) to two of (B, C, H/2, W/2)."""
    maxima, where = F.max_pool2d(x, 2, return_indices=True)
    return maxima, where


def unpool(x: Tensor, where: Tensor) -> Tensor:
    """(B, C, h, w) to (B, C, 2h, 2w): every value at the place its maximum had, 0 elsewhere.

    The values of `F.max_unpool2d`, which torch refuses when told to be deterministic since windows
    may overlap; those of `pool` do not.
    """
    batch, channels, height, width = x.shape
    empty = x.new_zeros(batch, channels, 4 * height * width)
    full = empty.scatter(2, where.flatten(2), x.flatten(2))
    return full.view(batch, channels, 2 * height, 2 * width)


def conv_bn_relu(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the size (but for its stride), batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Stage(nn.Module):
    """The convolutions between two poolings: `first`, whose output attention masks are computed
    from, and the rest, whose output they select from."""

    def __init__(self, inputs: int, outputs: int, convolutions: int, stride: int = 1) -> None:
        super().__init__()
        # With a stride the kernel is wide enough to see every pixel.
        self.first = conv_bn_relu(inputs, outputs, max(3, 2 * stride - 1), stride)
        self.rest = nn.Sequential(*(conv_bn_relu(outputs, outputs) for _ in range(convolutions)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, inputs, H, W) to u and p of MTAN, each (B, outputs, H/stride, W/stride)."""
        u = self.first(x)
        return u, self.rest(u)


def stage_channels(widths: list[int]) -> list[int]:
    """Output channels of every stage: those of the encoder, then those of the decoder."""
    return [*widths, *reversed([widths[0], *widths[:-1]])]


class SegNet(nn.Module):
    """Images to the features that every task shares, u and p of every stage in turn.

    (B, 3, H, W) to a tuple of 4 L maps for L widths: those of the encoder, stage j at 1 / 2^j of the
    size behind the first convolution, then those of the decoder, from coarse to fine.
    """

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        outputs = stage_channels(options.widths)
        inputs = [3, *options.widths, *outputs[len(options.widths) : -1]]
        counts = [*options.convolutions, *reversed(options.convolutions)]
        stages = [
            Stage(before, after, count - 1, options.stride if index == 0 else 1)
            for index, (before, after, count) in enumerate(
                zip(inputs, outputs, counts, strict=True)
            )
        ]
        half = len(options.widths)
        self.encoder, self.decoder = nn.ModuleList(stages[:half]), nn.ModuleList(stages[half:])

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        maps: list[Tensor] = []
        places: list[Tensor] = []
        x = images
        for stage in self.encoder:
            maps += stage(x)
            x, where = pool(maps[-1])
            places.append(where)
        for stage, where in zip(self.decoder, reversed(places), strict=True):
            maps += stage(unpool(x, where))
            x = maps[-1]
        return tuple(maps)
