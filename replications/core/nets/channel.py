"""A noisy channel between a transmitter and a receiver: complex symbols, of unit power, with noise
added, and faded.

The signal-to-noise ratio is that of a complex symbol, E|x|^2 / E|n|^2, in decibels.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from replications.core.data.batches import Condition
from replications.core.nets.registry.channel import ChannelOptions

Fading = Literal["none", "rayleigh"]


def symbols_of(values: Tensor) -> Tensor:
    """Reals (B, 2 k) as complex symbols (B, k), the first half their real parts, so that the power
    of every sample is 1 on average over its symbols; a sample of zeros stays."""
    real, imaginary = values.chunk(2, dim=1)
    symbols = torch.complex(real, imaginary)
    power = symbols.abs().square().mean(dim=1, keepdim=True)
    return symbols / power.clamp(min=1e-12).sqrt()


def reals_of(symbols: Tensor) -> Tensor:
    """Complex symbols (B, k) as reals (B, 2 k)."""
    return torch.cat([symbols.real, symbols.imag], dim=1)


def drawn_ratios(low: float, high: float, inputs: Tensor) -> Tensor:
    """One for each of some inputs, (B,), evenly from a range."""
    return low + (high - low) * torch.rand(len(inputs), device=inputs.device)


def training_ratios(options: ChannelOptions, inputs: Tensor) -> Tensor:
    """One for each of a training's inputs, (B,), from the range of the options."""
    return drawn_ratios(options.snr_from, options.snr_to, inputs)


def ratios_under(condition: Condition, options: ChannelOptions, inputs: Tensor) -> Tensor:
    """That of the condition, or the usual one, for each of an evaluation's inputs, (B,)."""
    return inputs.new_full((len(inputs),), condition.get("snr_db", options.snr_db))


def arrived(features: Tensor, snr_db: Tensor) -> Tensor:
    """Features (B, ...) of an even number, two of them a symbol, as they arrive."""
    symbols = symbols_of(features.flatten(1))
    return reals_of(received(symbols, snr_db)).view(features.shape)


def received(symbols: Tensor, snr_db: Tensor | float, fading: Fading = "none") -> Tensor:
    """What a receiver has of complex symbols (B, k), at one ratio or one for each sample, (B,).

    White Gaussian noise; with `rayleigh` each sample is first multiplied by a complex number of
    unit mean power that is the same for all its symbols (block fading), and what is received is
    divided by it: the receiver knows the channel.
    """
    ratio = torch.as_tensor(snr_db, dtype=torch.float32, device=symbols.device).view(-1, 1)
    noise = _normal(symbols) * 10 ** (-ratio / 20)
    if fading == "none":
        return symbols + noise
    gain = _normal(symbols[:, :1])
    return symbols + noise / gain


def _normal(like: Tensor) -> Tensor:
    """Complex numbers of mean power 1 in the shape of `like`."""
    parts = torch.randn(2, *like.shape, device=like.device) / math.sqrt(2)
    return torch.complex(parts[0], parts[1])


def capacity(snr_db: float) -> float:
    """Bits that a symbol can carry without error through white noise (Shannon, 1948)."""
    return math.log2(1 + 10 ** (snr_db / 10))
