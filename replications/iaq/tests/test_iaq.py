"""Bits where they help most, what they cost, and patches as they arrive."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from replications.core.data.batches import Batch
from replications.core.nets.learner import Moment
from replications.core.nets.modulation import bit_error_rate
from replications.core.tasks.category.task import Category
from replications.core.tasks.reconstruction.task import Reconstruction
from replications.iaq import allocation, quantised
from replications.iaq.model import ImportanceAware, build_model
from replications.iaq.options import ModelOptions

CHANNELS = {"reconstruction": 1, "category": 10}
TASKS: dict[str, Any] = {"reconstruction": Reconstruction(1), "category": Category(10)}
MOMENT = Moment(0, 10, "train")


def network(*tasks: str, **own: Any) -> ImportanceAware:
    small = {"width": 8, "depth": 2, "attention_heads": 2}
    options = ModelOptions.model_validate(small | own)
    return build_model({name: CHANNELS[name] for name in tasks or CHANNELS}, options, 0).eval()


def pictures(count: int) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def importance(count: int, patches: int) -> Tensor:
    drawn = torch.rand(count, patches, generator=torch.Generator().manual_seed(1)) ** 3
    return drawn / drawn.sum(dim=1, keepdim=True)


def error(weights: Tensor, bits: Tensor) -> Tensor:
    """The weighted error that allocation minimises."""
    return (weights.double() * 4.0 ** -bits.double()).sum(dim=-1)


@pytest.mark.parametrize("budget", [0, 1, 3, 5])
def test_one_bit_after_the_other_is_optimal(budget: int) -> None:
    """Against every way of giving so many bits to four patches."""
    weights = importance(6, 4)
    found = allocation.incremental(weights, budget, most=3)
    assert (found.sum(dim=1) == budget).all()
    ways = [way for way in itertools.product(range(4), repeat=4) if sum(way) <= budget]
    for own, bits in zip(weights, found, strict=True):
        best = min(error(own, torch.tensor(way)).item() for way in ways)
        assert error(own, bits).item() == pytest.approx(best)


@pytest.mark.parametrize("budget", [0, 7, 40, 120, 400])
def test_the_formula_gives_the_same(budget: int) -> None:
    weights = importance(20, 49)
    one = allocation.incremental(weights, budget, most=7)
    other = allocation.water_filling(weights, budget, most=7)
    assert torch.equal(one, other)
    assert (one.sum(dim=1) == min(budget, 7 * 49)).all()


def test_important_patches_get_more() -> None:
    weights = importance(5, 49)
    bits = allocation.incremental(weights, 60, most=7)
    order = weights.argsort(dim=1)
    assert (bits.gather(1, order).diff(dim=1) >= 0).all()


def test_uniform_by_hand() -> None:
    assert allocation.uniform(importance(1, 4), 6, most=7).tolist() == [[2, 1, 2, 1]]
    assert allocation.uniform(importance(1, 4), 99, most=7).tolist() == [[7, 7, 7, 7]]


def test_resolutions_by_hand() -> None:
    """Of 512 bits, 4 for each mean: 256 for 4 patches as 4x4 means, 128 for 8 as 2x2, 128 for 32 as
    one; of the same, 8 patches whole."""
    weights = torch.arange(49.0).flip(0)[None]
    expected = [16] * 4 + [4] * 8 + [1] * 32 + [0] * 5
    assert allocation.resolutions(weights, 512, 4).tolist() == [expected]
    assert allocation.mask(weights, 512, 4).tolist() == [[16] * 8 + [0] * 41]


@pytest.mark.parametrize("kind", ["incremental", "water_filling", "uniform", "shuffled", "energy"])
@pytest.mark.parametrize("bits", [0.1, 0.3, 1.0, 2.5])
def test_budgets_of_bits_are_kept(kind: str, bits: float) -> None:
    learner = network(allocation=kind)
    side = learner.side_cost(40)
    spent = 16 * learner.given(pictures(4), bits, 40).sum(dim=1) + side
    allowed = max(bits * 784, side)
    assert (spent <= allowed).all()
    assert (spent > allowed - 17).all()


@pytest.mark.parametrize("kind", ["resolutions", "mask"])
@pytest.mark.parametrize("bits", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("mean_bits", [1, 4])
def test_budgets_of_means_are_kept(kind: str, bits: float, mean_bits: int) -> None:
    learner = network(allocation=kind, mean_bits=mean_bits)
    spent = mean_bits * learner.given(pictures(4), bits, 40).sum(dim=1) + learner.side_cost(40)
    assert (spent <= bits * 784).all()


def test_what_says_which_patch_gets_what_needs_a_code_where_bits_are_wrong() -> None:
    """3 bits for each of 49 patches. At 2 dB a bit of QPSK is wrong with 0.104, carrying 0.518."""
    learner = network()
    assert (learner.side_cost(40), learner.side_cost(2)) == (147, 284)
    assert network(allocation="uniform").side_cost(2) == 0


def test_the_error_of_many_bits_is_a_twelfth_of_the_step_squared() -> None:
    patches = pictures(50).view(50, 49, 16)
    unsent = torch.full((49, 16), 0.5)
    for bits in (1, 3, 5):
        given = torch.full((50, 49), bits)
        found = quantised.by_pixels(patches, given, unsent, 40.0)
        step = 1 / (2**bits - 1)
        assert (found - patches).square().mean().item() == pytest.approx(step**2 / 12, rel=0.03)
    nothing = quantised.by_pixels(patches, torch.zeros(50, 49), unsent, 40.0)
    assert torch.equal(nothing, unsent.expand(50, 49, 16))


def test_bits_are_wrong_as_often_as_theory_has_it() -> None:
    torch.manual_seed(0)
    ones = torch.ones(200, 49, 16)
    found = quantised.by_pixels(ones, torch.ones(200, 49), torch.zeros(49, 16), 4.0)
    assert (1 - found).mean().item() == pytest.approx(bit_error_rate("qpsk", 4.0), rel=0.05)


def test_means_of_cells_by_hand() -> None:
    picture = torch.zeros(1, 3, 16)
    picture[0, :, :2] = 1  # half of the upper left quarter, and as much of the next row's
    values, unsent = torch.tensor([[16, 4, 0]]), torch.full((3, 16), 0.25)
    found = quantised.by_means(picture, values, unsent, 40.0, depth=8).view(3, 4, 4)
    assert torch.equal(found[0], picture[0, 0].view(4, 4))
    assert found[1, :2, :2].unique().tolist() == pytest.approx([0.5], abs=1 / 255)
    assert not found[1, 2:].any()
    assert found[2].unique().tolist() == [0.25]


def test_all_bits_make_it_the_picture() -> None:
    learner, own = network(most=8), pictures(3)
    arrived = learner.arrived(own, 8.5, 40.0)
    assert (arrived - learner.patches(own)).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.allclose(learner._picture(learner.patches(own)), own)


def test_bits_by_energy_go_where_the_mean_picture_is_least_like() -> None:
    learner, own = network(allocation="energy"), pictures(1)
    own[:, :, :4, 8:12] += 3  # the third patch
    given = learner.given(own, 0.25, 40.0)
    # 196 bits, 147 of which say where: three for each pixel of a patch, of which it has all.
    assert given.nonzero().tolist() == [[0, 2]]
    assert given.sum() == 3


def test_importance_is_a_distribution_and_follows_the_picture() -> None:
    learner, own = network(), pictures(3)
    with torch.no_grad():
        _, found = learner.encoded(learner.patches(own))
    assert found.shape == (3, 49)
    assert torch.allclose(found.sum(dim=1), torch.ones(3))
    assert not torch.equal(found[0], found[1])


def test_what_is_sent_otherwise_is_trained_alike() -> None:
    own = Batch(pictures(4), {"picture": pictures(4), "category": torch.arange(4)})
    losses = []
    for kind in ("incremental", "mask"):
        learner = network(allocation=kind).train()
        found = learner.losses(own, TASKS, MOMENT).by_task
        losses.append(torch.stack(list(found.values())))
        assert torch.allclose(learner.get_buffer("mean"), learner.patches(own.inputs).mean(dim=0))
    assert torch.equal(*losses)


def test_transformers_start_alike_and_parameters_are_counted_once() -> None:
    alone, joint = network("category"), network()
    assert torch.equal(alone.embed.weight, joint.embed.weight)
    counted = [p for name in CHANNELS for p in joint.task_parameters(name)]
    counted += joint.shared_parameters()
    assert sorted(map(id, counted)) == sorted(id(p) for p in joint.parameters())


@pytest.mark.parametrize(
    ("own", "message"),
    [({"patch": 5}, "patches of 5 do not fill a side of 28"), ({"width": 9}, "no multiple of 2")],
)
def test_sizes_that_do_not_fit_are_refused(own: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(**own)
