"""Digital modulation: bits as points of a constellation, neighbours of which differ in one bit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

BITS = {"bpsk": 1, "qpsk": 2, "qam16": 4, "qam64": 6, "qam256": 8}
"""Of a symbol, by the name of the modulation."""


@dataclass(frozen=True)
class Constellation:
    """Points of mean power 1.

    Attributes:
        points: complex, (M,), at the index that its bits spell, the first the highest.
        bits: of a point.
    """

    points: Tensor
    bits: int

    def modulated(self, bits: Tensor) -> Tensor:
        """Bits (..., n bits), 0 or 1, to symbols (..., n)."""
        groups = bits.unflatten(-1, (-1, self.bits)).long()
        places = 2 ** torch.arange(self.bits - 1, -1, -1, device=bits.device)
        return self.points.to(bits.device)[(groups * places).sum(dim=-1)]

    def nearest(self, symbols: Tensor) -> Tensor:
        """The indices of the points that are nearest to symbols (..., n): (..., n), int64."""
        return (symbols[..., None] - self.points.to(symbols.device)).abs().argmin(dim=-1)

    def decided(self, symbols: Tensor) -> Tensor:
        """The bits of those points: (..., n bits), int64."""
        places = torch.arange(self.bits - 1, -1, -1, device=symbols.device)
        return (self.nearest(symbols)[..., None] >> places & 1).flatten(-2)


def constellation(name: str) -> Constellation:
    """That of a modulation of `BITS`: BPSK, or square QAM in Gray code, half of the bits for either
    part."""
    bits = BITS[name]
    if bits == 1:
        return Constellation(torch.tensor([1.0 + 0j, -1.0 + 0j]), bits)
    half = bits // 2
    levels = _levels(half)
    real = levels[:, None].expand(2**half, 2**half)
    points = torch.complex(real, real.T).flatten()
    return Constellation(points / points.abs().square().mean().sqrt(), bits)


def bit_error_rate(name: str, snr_db: float) -> float:
    """Of hard decisions over a channel with white noise, exactly (Cho and Yoon, IEEE Trans. Commun.
    2002, equations 14 and 16, for square QAM)."""
    bits, snr = BITS[name], 10 ** (snr_db / 10)
    if bits == 1:
        return 0.5 * math.erfc(math.sqrt(snr))
    side = 2 ** (bits // 2)
    total = 0.0
    for k in range(1, bits // 2 + 1):
        for i in range(int((1 - 2**-k) * side)):
            turn = math.floor(i * 2 ** (k - 1) / side)
            count = 2 ** (k - 1) - math.floor(i * 2 ** (k - 1) / side + 0.5)
            reach = (2 * i + 1) * math.sqrt(1.5 * snr / (side**2 - 1))
            total += (-1) ** turn * count * math.erfc(reach) / side
    return total / (bits // 2)


def _levels(bits: int) -> Tensor:
    """Amplitudes at the index that their bits spell in Gray code, from left to right."""
    place = torch.arange(2**bits)
    levels = torch.empty(2**bits)
    levels[place ^ (place >> 1)] = 2.0 * place - 2**bits + 1
    return levels
