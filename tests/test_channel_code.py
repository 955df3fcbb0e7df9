"""The LDPC code of 5G over white noise: what it carries, corrects, and loses."""

from __future__ import annotations

import pytest
import torch

from replications.core.nets.channel import capacity
from replications.core.nets.channel_code import SCHEMES, ChannelCode, fastest
from replications.core.nets.modulation import bit_error_rate


def messages(code: ChannelCode) -> torch.Tensor:
    return torch.randint(0, 2, (8, code.bits), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("scheme", "rate"), [(2, 2 * 308), (10, 4 * 658), (27, 8 * 948)])
def test_a_scheme_carries_what_the_standard_says(scheme: int, rate: int) -> None:
    """TS 38.214, table 5.1.3.1-2: bits of a symbol, and 1,024 times the rate."""
    assert ChannelCode(scheme, 600).bits == pytest.approx(600 * rate / 1024, abs=1)


def test_without_noise_everything_arrives_in_several_blocks_too() -> None:
    for scheme, symbols in ((2, 300), (2, 8192), (20, 2048)):
        code = ChannelCode(scheme, symbols)
        assert torch.equal(code.delivered(messages(code), 60.0), messages(code))
    assert code.bits > 8448  # the longest block


def test_it_corrects_what_is_flipped_and_gives_up_below_capacity() -> None:
    """Of QPSK's bits at 2 dB one in ten is flipped."""
    assert bit_error_rate("qpsk", 2.0) > 0.1
    code = ChannelCode(3, 1000)
    assert torch.equal(code.delivered(messages(code), 2.0), messages(code))
    assert capacity(-4.0) < code.bits / code.symbols
    wrong = (code.delivered(messages(code), -4.0) != messages(code)).float().mean()
    assert 0.05 < wrong < 0.5


def test_the_fastest_gets_faster_with_the_ratio_and_stays_below_capacity() -> None:
    found = [fastest(128, ratio).bits for ratio in (0.0, 8.0, 16.0)]
    assert found == sorted(set(found))
    for bits, ratio in zip(found, (0.0, 8.0, 16.0), strict=True):
        assert 0.5 * capacity(ratio) < bits / 128 < capacity(ratio)
    assert fastest(128, -20.0).bits == ChannelCode(SCHEMES[0], 128).bits
