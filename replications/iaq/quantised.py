"""Patches as they arrive: a few bits for every pixel, some of them wrong."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.core.nets.channel import received
from replications.core.nets.modulation import constellation

_DEPTH = 8
"""Bits in which numbers are held, of which the first are sent."""


def over_the_air(levels: Tensor, bits: Tensor, snr_db: float) -> Tensor:
    """Levels (B, N, P), each in the bits of its patch, (B, N), as QPSK with hard decisions lets
    them arrive, a bit of 0 being what is not sent."""
    places = torch.arange(_DEPTH - 1, -1, -1, device=levels.device)
    own = levels[..., None] >> places & 1
    qpsk = constellation("qpsk")
    flat = own.reshape(1, -1)
    arrived = qpsk.decided(received(qpsk.modulated(flat), snr_db)).view_as(own)
    used = places < bits[:, :, None, None]
    return ((arrived * used) << places).sum(dim=-1)


def by_pixels(patches: Tensor, bits: Tensor, unsent: Tensor, snr_db: float) -> Tensor:
    """Patches (B, N, P) from 0 to 1 with so many bits for each of their pixels, (B, N): the nearest
    of 2^b equally spaced values, 0 and 1 among them; `unsent`, (N, P), stands in for patches
    without a bit."""
    last = (2.0**bits - 1)[:, :, None]
    levels = (patches * last).round().long()
    arrived = over_the_air(levels, bits, snr_db)
    return torch.where(bits[:, :, None] > 0, arrived / last.clamp(min=1), unsent)


def by_means(patches: Tensor, values: Tensor, unsent: Tensor, snr_db: float, depth: int) -> Tensor:
    """Patches (B, N, P) as means of cells, `values` (B, N) of them with `depth` bits each."""
    count, number, pixels = patches.shape
    side = round(pixels**0.5)
    squares = patches.reshape(count * number, 1, side, side)
    found = unsent.expand_as(patches)
    for own in values.unique().tolist():
        if not own:
            continue
        grid = round(own**0.5)
        means = F.adaptive_avg_pool2d(squares, grid).reshape(count, number, own)
        bits = torch.full((count, number), depth, device=patches.device)
        arrived = by_pixels(means, bits, means.new_zeros(number, own), snr_db)
        cells = arrived.reshape(count * number, 1, grid, grid)
        whole = F.interpolate(cells, size=(side, side), mode="nearest")
        found = torch.where(values[:, :, None] == own, whole.reshape_as(patches), found)
    return found
