"""The channel against closed forms: power, noise, fading, errors of bits, capacity."""

from __future__ import annotations

import math

import pytest
import torch

from replications.core.nets.channel import capacity, reals_of, received, symbols_of
from replications.core.nets.modulation import BITS, bit_error_rate, constellation


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_every_sample_has_unit_power() -> None:
    values = torch.randn(5, 12) * torch.tensor([1e-3, 0.1, 1, 10, 1e3])[:, None]
    symbols = symbols_of(values)
    assert symbols.shape == (5, 6)
    assert torch.allclose(symbols.abs().square().mean(dim=1), torch.ones(5), atol=1e-6)
    scale = values.norm(dim=1, keepdim=True) / math.sqrt(6)
    assert torch.allclose(reals_of(symbols) * scale, values, rtol=1e-5)
    assert not symbols_of(torch.zeros(1, 4)).abs().any()


def test_power_has_a_gradient_along_the_sphere() -> None:
    values = torch.randn(3, 8, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 4, dtype=torch.float64)
    (symbols_of(values).real * weights).sum().backward()
    assert values.grad is not None
    assert torch.allclose((values.grad * values).sum(dim=1), torch.zeros(3, dtype=torch.float64))


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0])
def test_noise_has_the_power_that_is_asked_for(snr_db: float) -> None:
    symbols = symbols_of(torch.randn(200, 400))
    noise = received(symbols, snr_db) - symbols
    assert noise.abs().square().mean().item() == pytest.approx(10 ** (-snr_db / 10), rel=0.02)
    assert noise.real.square().mean() == pytest.approx(noise.imag.square().mean().item(), rel=0.03)


def test_each_sample_may_have_a_ratio_of_its_own() -> None:
    symbols = symbols_of(torch.randn(2, 20_000))
    noise = (received(symbols, torch.tensor([0.0, 20.0])) - symbols).abs().square().mean(dim=1)
    assert noise.tolist() == pytest.approx([1.0, 0.01], rel=0.05)


def test_fading_is_the_same_for_all_symbols_of_a_sample() -> None:
    symbols = symbols_of(torch.randn(4000, 200))
    noise = (received(symbols, 10.0, "rayleigh") - symbols).abs().square().mean(dim=1)
    # The noise of a sample is divided by |h|^2, which is exponential: its median is ln 2.
    assert (0.1 / noise).median().item() == pytest.approx(math.log(2), rel=0.06)


@pytest.mark.parametrize("name", BITS)
def test_constellations(name: str) -> None:
    found = constellation(name)
    assert len(found.points) == 2 ** BITS[name]
    assert found.points.abs().square().mean().item() == pytest.approx(1, abs=1e-6)
    bits = torch.randint(2, (3, 5 * BITS[name]))
    assert torch.equal(found.decided(found.modulated(bits)), bits)
    distances = (found.points[:, None] - found.points).abs()
    nearest = distances[distances > 1e-6].min()
    spelled = found.decided(found.points[:, None])
    differing = (spelled[:, None] != spelled).sum(dim=2)
    assert (differing[torch.isclose(distances, nearest, rtol=1e-4)] == 1).all()


@pytest.mark.parametrize(
    ("name", "snr_db"),
    [("bpsk", 0), ("bpsk", 5), ("qpsk", 5), ("qam16", 10), ("qam64", 15), ("qam256", 20)],
)
def test_errors_of_bits_are_those_of_the_closed_form(name: str, snr_db: float) -> None:
    found = constellation(name)
    bits = torch.randint(2, (100, 1000 * BITS[name]))
    errors = (found.decided(received(found.modulated(bits), snr_db)) != bits).float().mean()
    expected = bit_error_rate(name, snr_db)
    spread = math.sqrt(expected / bits.numel())
    assert errors.item() == pytest.approx(expected, abs=6 * spread)


def test_known_error_rates() -> None:
    """Of QPSK, whose halves are BPSK of half the power; and over Rayleigh fading."""
    for snr_db in (0.0, 6.0):
        halved = snr_db - 10 * math.log10(2)
        assert bit_error_rate("qpsk", snr_db) == pytest.approx(bit_error_rate("bpsk", halved))
    bits = torch.randint(2, (400_000, 1))
    found = constellation("bpsk")
    errors = (found.decided(received(found.modulated(bits), 10.0, "rayleigh")) != bits).float()
    expected = 0.5 * (1 - math.sqrt(10 / 11))
    assert errors.mean().item() == pytest.approx(expected, rel=0.03)


def test_capacity() -> None:
    assert capacity(0) == 1
    assert capacity(10 * math.log10(3)) == pytest.approx(2)
