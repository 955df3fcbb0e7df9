"""Bits over a noisy channel by the code of 5G: LDPC (3GPP TS 38.212) with the modulations and rates
of TS 38.214, table 5.1.3.1-2; by Sionna, on the CPU."""

from __future__ import annotations

import functools
import math

import torch
from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder
from sionna.phy.mapping import Demapper, Mapper
from sionna.phy.nr.utils import decode_mcs_index
from torch import Tensor

from replications.core.nets.channel import capacity, received

SCHEMES, _TABLE = range(2, 28), 2
"""Those before have rates below 1/5, which the library has not."""
_AT_ONCE = 10


@functools.cache
def scheme_of(index: int) -> tuple[int, float]:
    """Bits of a symbol, and the rate."""
    order, rate = decode_mcs_index(index, _TABLE, device="cpu")
    return int(order), float(rate)


class ChannelCode:
    """One of the `SCHEMES` of modulation and rate, from the most robust to the fastest, for a
    message of so many symbols.

    Attributes:
        bits: what a message carries.
        symbols: of a message, or fewer where blocks do not fill them.
    """

    def __init__(self, scheme: int, symbols: int) -> None:
        per_symbol, rate = scheme_of(scheme)
        # Bits of the longest block: of the base graph that has rates below 1/3, and of the other.
        longest = 3824 if rate < 1 / 3 else 8448
        self._blocks = math.ceil(symbols * per_symbol * rate / longest)
        own = symbols // self._blocks
        encoder = LDPC5GEncoder(
            int(own * per_symbol * rate), own * per_symbol, per_symbol, device="cpu"
        )
        self._encoder, self._decoder = encoder, LDPC5GDecoder(encoder, device="cpu")
        self._mapper = Mapper("qam", per_symbol, device="cpu")
        self._demapper = Demapper("app", "qam", per_symbol, device="cpu")
        self.bits, self.symbols = self._blocks * encoder.k, self._blocks * own

    def delivered(self, bits: Tensor, snr_db: float) -> Tensor:
        """Messages (N, bits) of 0 and 1, through white noise: as they are decoded, (N, bits)."""
        return torch.cat([self._delivered(part, snr_db) for part in bits.split(_AT_ONCE)])

    def _delivered(self, bits: Tensor, snr_db: float) -> Tensor:
        blocks = bits.float().unflatten(1, (self._blocks, -1))
        symbols = self._mapper(self._encoder(blocks))
        found = received(symbols.flatten(1), snr_db).view_as(symbols)
        noise = torch.tensor(10 ** (-snr_db / 10))
        decoded: Tensor = self._decoder(self._demapper(found, noise))
        return decoded.flatten(1).to(bits.dtype)


def fastest(symbols: int, snr_db: float, trials: int = 60) -> ChannelCode:
    """The fastest scheme, of which at a ratio so many random messages all arrive, or the most
    robust."""
    for scheme in reversed(SCHEMES):
        per_symbol, rate = scheme_of(scheme)
        if per_symbol * rate < capacity(snr_db):
            code = ChannelCode(scheme, symbols)
            if _reliable(code, snr_db, trials):
                return code
    return ChannelCode(SCHEMES[0], symbols)


def _reliable(code: ChannelCode, snr_db: float, trials: int) -> bool:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        for first in range(0, trials, _AT_ONCE):
            bits = torch.randint(0, 2, (min(_AT_ONCE, trials - first), code.bits))
            if not torch.equal(code.delivered(bits, snr_db), bits):
                return False
    return True
