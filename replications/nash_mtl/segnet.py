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


class SegNet(nn.Module):
    """Images to the features that every task shares: u and p of every stage in turn (MTAN).

    A stage of the encoder halves the size at its end, one of the decoder doubles it at its start.
    u is what a task's mask is computed from: the output of the first convolution in the encoder,
    the unpooled features in the decoder. p, the stage's output, is what the mask selects from.

    (B, 3, H, W) to a tuple of 4 maps for each of the L widths: the encoder's from fine to coarse,
    stage j at 1 / 2^j of the size behind the first convolution, then the decoder's back to fine.
    """

    def __init__(self, options: ModelOptions) -> None:
        super().__init__()
        widths = options.widths
        before = [3, *widths[:-1]]
        # With a stride the first kernel is wide enough to see every pixel.
        strides = [options.stride, *([1] * (len(widths) - 1))]
        self.firsts = nn.ModuleList(
            conv_bn_relu(inputs, outputs, max(3, 2 * stride - 1), stride)
            for inputs, outputs, stride in zip(before, widths, strides, strict=True)
        )
        self.rests = nn.ModuleList(
            _convolutions(width, width, count - 1)
            for width, count in zip(widths, options.convolutions, strict=True)
        )
        self.decoder = nn.ModuleList(
            _convolutions(inputs, outputs, count)
            for inputs, outputs, count in zip(
                reversed(widths), decoded(widths), reversed(options.convolutions), strict=True
            )
        )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        maps: list[Tensor] = []
        places: list[Tensor] = []
        x = images
        for first, rest in zip(self.firsts, self.rests, strict=True):
            u = first(x)
            p = rest(u)
            x, where = pool(p)
            maps += [u, p]
            places.append(where)
        for stage, where in zip(self.decoder, reversed(places), strict=True):
            u = unpool(x, where)
            x = stage(u)
            maps += [u, x]
        return tuple(maps)


def decoded(widths: list[int]) -> list[int]:
    """Output channels of the decoder's stages, coarse to fine."""
    return [*reversed(widths[:-1]), widths[0]]


def _convolutions(inputs: int, outputs: int, count: int) -> nn.Sequential:
    layers = [conv_bn_relu(inputs, outputs)]
    return nn.Sequential(*layers, *(conv_bn_relu(outputs, outputs) for _ in range(count - 1)))
