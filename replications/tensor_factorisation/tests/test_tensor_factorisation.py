"""Factors: exact at full rank, best at a lower one, and all that the tasks' kernels are made of."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from conftest import moved_columns
from replications.core.nets.columns import Columns
from replications.core.nets.registry.staged import StagedOptions
from replications.tensor_factorisation.factors import (
    Factors,
    Kept,
    laf,
    share,
    tensor_train,
    tucker,
    within,
)
from replications.tensor_factorisation.model import FactorisedColumns, build_model
from replications.tensor_factorisation.options import Form, ModelOptions

CHANNELS = {"semseg": 5, "depth": 1}
IMAGES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))
THIN = {"encoder": "thin", "width": 4, "head_channels": 8}
FORMS: list[Form] = ["laf", "tucker", "tt"]


@pytest.fixture
def kernels() -> Tensor:
    """Of three tasks, (K, C', C, h, w)."""
    return torch.randn(3, 6, 4, 3, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("form", FORMS)
def test_at_full_rank_the_kernels_are_met(form: Form, kernels: Tensor) -> None:
    torch.testing.assert_close(Factors(form, kernels, share(1.0)).kernels(), kernels)


@pytest.mark.parametrize("form", FORMS)
def test_kernels_of_low_rank_are_met_at_it(form: Form, kernels: Tensor) -> None:
    """Tasks whose kernels are multiples of one: a single factor of the tasks is enough."""
    alike = torch.tensor([1.0, -2.0, 0.5])[:, None, None, None, None] * kernels[:1]
    factors = Factors(form, alike, share(1.0))
    torch.testing.assert_close(factors.kernels(), alike)
    if form == "laf":
        torch.testing.assert_close(Factors("laf", alike, share(0.1)).kernels(), alike)


def test_last_axis_flattening_is_the_best_of_its_rank(kernels: Tensor) -> None:
    """What is lost are the singular values that were left out (Eckart and Young)."""
    left, right = laf(kernels.flatten(3).permute(1, 2, 3, 0), share(2 / 3))
    assert left.shape == (6 * 4 * 9, 2)
    assert right.shape == (2, 3)
    lost = (left @ right - kernels.flatten(1).T).square().sum()
    assert float(lost) == pytest.approx(
        float(torch.linalg.svdvals(kernels.flatten(1))[2] ** 2), rel=1e-4
    )


def test_ranks_are_a_share_of_every_mode(kernels: Tensor) -> None:
    whole = kernels.flatten(3).permute(1, 2, 3, 0)
    core, *bases = tucker(whole, share(0.5))
    assert core.shape == (3, 2, 5, 2)
    assert [tuple(basis.shape) for basis in bases] == [(6, 3), (4, 2), (9, 5), (3, 2)]
    cores = tensor_train(whole, share(0.5))
    assert [tuple(core.shape) for core in cores] == [(1, 6, 3), (3, 4, 6), (6, 9, 2), (2, 3, 1)]


@pytest.mark.parametrize("error", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("form", FORMS)
def test_ranks_follow_from_the_error(form: Form, error: float, kernels: Tensor) -> None:
    def missed(kept: Kept) -> float:
        met = Factors(form, kernels, kept).kernels().detach()
        return float((met - kernels).norm() / kernels.norm())

    assert missed(within(error, form)) <= error
    if form == "laf":  # one more left out would be too much
        assert missed(lambda values: within(error, form)(values) - 1) > error


def options(**own: object) -> ModelOptions:
    return ModelOptions.model_validate(THIN | own)


def single(task: str) -> Columns:
    """A trained single-task network, the same at every call."""
    options = StagedOptions.model_validate(THIN)
    network: Columns = moved_columns(task, CHANNELS[task], options)
    return network


@pytest.mark.parametrize("form", FORMS)
def test_it_starts_from_the_trained_networks(form: Form) -> None:
    needs = {task: single(task) for task in CHANNELS}
    found = build_model(CHANNELS, options(form=form, rank=1.0), 0, needs).eval().predict(IMAGES)
    for task, network in needs.items():
        torch.testing.assert_close(found[task], network.predict(IMAGES)[task], rtol=1e-4, atol=1e-4)


def test_kernels_are_made_of_nothing_but_factors() -> None:
    learner = build_model(CHANNELS, options(rank=0.5), 0)
    kernels = {
        f"columns.{task}.{name}.weight"
        for task, column in Columns(CHANNELS, options(), 0).columns.items()
        for name, module in column.named_modules()
        if isinstance(module, nn.Conv2d)
    }
    assert len(kernels) == 2 * 13
    assert not kernels & {name for name, _ in learner.named_parameters()}
    learner.predict(IMAGES)["depth"].sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in learner.shared_parameters())
    assert all(p.grad is None for p in learner.task_parameters("semseg"))


def parameters(learner: FactorisedColumns) -> int:
    return sum(p.numel() for p in learner.inference_parameters())


def test_a_lower_rank_has_fewer_parameters() -> None:
    counts = [parameters(build_model(CHANNELS, options(rank=rank), 0)) for rank in (0.25, 0.5, 1.0)]
    assert counts == sorted(counts)
    whole = sum(p.numel() for p in Columns(CHANNELS, options(), 0).parameters())
    assert counts[0] < whole


def test_untrained_networks_start_apart() -> None:
    learner = build_model(CHANNELS, options(form="laf", rank=1.0), 0)
    one, other = learner.factors[1].kernels()  # type: ignore[operator]
    assert not torch.allclose(one, other)
    again = build_model(CHANNELS, options(form="laf", rank=1.0), 0)
    assert torch.equal(again.factors[1].kernels(), learner.factors[1].kernels())  # type: ignore[operator]


def test_it_may_have_the_ranks_of_trained_networks_alone() -> None:
    needs = {task: single(task) for task in CHANNELS}
    begun = build_model(CHANNELS, options(error=0.3), 0, needs)
    ranks = {f"ranks_{task}": network for task, network in needs.items()}
    fresh = build_model(CHANNELS, options(error=0.3, begun=False), 0, ranks)
    assert parameters(fresh) == parameters(begun)
    one, other = (model.factors[1].kernels() for model in (begun, fresh))  # type: ignore[operator]
    assert not torch.allclose(one, other)


def test_a_killed_training_finds_its_factors_again() -> None:
    needs = {task: single(task) for task in CHANNELS}
    trained = build_model(CHANNELS, options(), 0, needs).eval()
    other = build_model(CHANNELS, options(), 0, needs).eval()
    with torch.no_grad():
        next(trained.factors.parameters()).mul_(1.5)
    before = other.predict(IMAGES)["depth"]
    other.load_state_dict(trained.train().state_dict())
    found = other.predict(IMAGES)["depth"]
    assert torch.equal(found, trained.eval().predict(IMAGES)["depth"])
    assert not torch.equal(found, before)
