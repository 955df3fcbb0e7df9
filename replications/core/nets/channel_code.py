"""Bits over a noisy channel by the code of 5G: LDPC (3GPP TS 38.212) with the modulations and rates
of TS 38.214, table 5.1.3.1-2; by Sionna."""

from __future__ import annotations

import math

import torch
from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder
from sionna.phy.mapping import Demapper, Mapper
from sionna.phy.nr.utils import decode_mcs_index
from torch import Tensor

from replications.core.nets.channel import capacity, received

SCHEMES, _TABLE = range(2, 28), 2
"""Those before have rates below 1/5, which the library has not."""
_LONGEST = 8448
"""Bits of a block at most."""
_TRIALS, _AT_ONCE = 60, 10


class ChannelCode:
    """One of the `SCHEMES` of modulation and rate, from the most robust to the fastest, for a
    message of so many symbols.

    Attributes:
        bits: what a message carries.
        symbols: of a message, or fewer where blocks do not fill them.
    """

    def __init__(self, scheme: int, symbols: int) -> None:
        order, rate = (float(own) for own in decode_mcs_index(scheme, _TABLE))
        per_symbol = int(order)
        self._blocks = math.ceil(symbols * per_symbol * rate / _LONGEST)
        own = symbols // self._blocks
        encoder = LDPC5GEncoder(int(own * per_symbol * rate), own * per_symbol, per_symbol)
        self._encoder, self._decoder = encoder, LDPC5GDecoder(encoder)
        self._mapper = Mapper("qam", per_symbol)
        self._demapper = Demapper("app", "qam", per_symbol)
        self.bits, self.symbols = self._blocks * encoder.k, self._blocks * own

    def delivered(self, bits: Tensor, snr_db: float) -> Tensor:
        """Messages (N, bits) of 0 and 1, through white noise: as they are decoded, (N, bits)."""
        blocks = bits.float().unflatten(1, (self._blocks, -1))
        symbols = self._mapper(self._encoder(blocks))
        found = received(symbols.flatten(1), snr_db).view_as(symbols)
        noise = torch.tensor(10 ** (-snr_db / 10))
        decoded: Tensor = self._decoder(self._demapper(found, noise))
        return decoded.flatten(1).to(bits.dtype)


def fastest(symbols: int, snr_db: float) -> ChannelCode:
    """The fastest scheme, of which at a ratio 60 random messages all arrive, or the most robust."""
    for scheme in reversed(SCHEMES):
        own = ChannelCode(scheme, symbols)
        if own.bits < symbols * capacity(snr_db) and _reliable(own, snr_db):
            return own
    return ChannelCode(SCHEMES[0], symbols)


def _reliable(code: ChannelCode, snr_db: float) -> bool:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        for _ in range(_TRIALS // _AT_ONCE):
            bits = torch.randint(0, 2, (_AT_ONCE, code.bits))
            if not torch.equal(code.delivered(bits, snr_db), bits):
                return False
    return True
