"""The exact Nash bargaining solver, and the published procedure beside it."""

from __future__ import annotations

import math
from typing import Any

import cvxpy
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchjd.aggregation import NashMTL

from replications.core.weighting.gram import gram_matrix, rounded_gram_matrix
from replications.nash_mtl.weighting.bargaining import bargain, residual, sensitivity
from replications.nash_mtl.weighting.published import published_procedure

SIZES = (1, 2, 3, 10, 40, 64)
seeds = st.integers(0, 2**31)


def normal(seed: int, *size: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*size, generator=generator, dtype=torch.float64)


def spread(seed: int, tasks: int, decades: float) -> Tensor:
    """Lengths between 10^-decades and 10^decades, both among them."""
    powers = 2 * torch.rand(tasks, generator=torch.Generator().manual_seed(seed)).double() - 1
    powers[0], powers[-1] = 1, -1
    return 10 ** (decades * powers[:, None])


FAMILIES: dict[str, Any] = {
    "random": lambda k, s: normal(s, k, 3 * k),
    "lengths over 10^+-6": lambda k, s: normal(s, k, 3 * k) * spread(s, k, 6),
    "cosines of 1 - 1e-10": lambda k, s: normal(s, 1, 3 * k) + 1e-5 * normal(s + 1, k, 3 * k),
    "parallel, 10^+-6": lambda k, s: (
        (normal(s, 1, 3 * k) + 1e-7 * normal(s + 1, k, 3 * k)) * spread(s, k, 6)
    ),
    "nearly dependent": lambda k, s: normal(s, k, k),
    "conflicting": lambda k, s: _centred(normal(s, k, 3 * k), 1e-2),
}


def _centred(gradients: Tensor, rest: float) -> Tensor:
    """Gradients whose mean is cut to its `rest`."""
    return gradients - (1 - rest) * gradients.mean(0)


@pytest.mark.parametrize("tasks", SIZES)
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_the_equation_holds(family: Any, tasks: int) -> None:
    gradients = torch.stack([family(tasks, 2 * seed) for seed in range(20)])
    gram = gradients @ gradients.mT
    found = bargain(gram)
    assert not found.stationary.any()
    assert (found.alpha > 0).all()
    assert found.residual.max() < 1e-8
    # By numpy, on the matrices as they were given.
    for k, alpha in zip(gram.numpy(), found.alpha.numpy(), strict=True):
        assert np.abs(alpha * (k @ alpha) - 1).max() < 1e-8


@given(st.floats(-1 + 1e-6, 1), st.floats(-6, 6), st.floats(-6, 6))
def test_two_tasks_have_the_closed_form(cosine: float, first: float, second: float) -> None:
    """alpha_i = 1 / (|g_i| sqrt(1 + cos))."""
    lengths = torch.tensor([10**first, 10**second], dtype=torch.float64)
    correlation = torch.tensor([[1, cosine], [cosine, 1]], dtype=torch.float64)
    found = bargain(correlation * lengths.outer(lengths))
    expected = 1 / (lengths * math.sqrt(1 + cosine))
    # The rounding of the cosine itself moves the solution by that much.
    assert torch.allclose(found.alpha, expected, rtol=1e-14 / (1 + cosine) + 1e-13)


@pytest.mark.parametrize("tasks", [2, 3, 8, 20])
def test_a_convex_solver_agrees(tasks: int) -> None:
    """cvxpy with Clarabel on min |G a|^2 / 2 - sum log a."""
    for seed in range(3):
        gradients = normal(seed, tasks, 2 * tasks)
        alpha = cvxpy.Variable(tasks)
        # mypy sees cvxpy's functions as modules.
        norm, log, total = (getattr(cvxpy, n) for n in ("sum_squares", "log", "sum"))
        objective = norm(gradients.numpy().T @ alpha) / 2 - total(log(alpha))
        problem: Any = cvxpy.Problem(cvxpy.Minimize(objective))
        problem.solve(solver=cvxpy.CLARABEL)
        found = bargain(gradients @ gradients.T).alpha
        assert found.numpy() == pytest.approx(alpha.value, rel=1e-4)


@given(seeds, st.integers(2, 12))
def test_the_order_of_the_tasks_does_not_matter(seed: int, tasks: int) -> None:
    gradients = normal(seed, tasks, 2 * tasks)
    order = torch.randperm(tasks, generator=torch.Generator().manual_seed(seed))
    gram = gradients @ gradients.T
    moved = bargain(gram[order][:, order]).alpha
    assert torch.allclose(moved, bargain(gram).alpha[order], rtol=1e-9)


@given(seeds, st.integers(2, 12), st.floats(-6, 6))
def test_a_scaled_gradient_scales_its_alpha_back(seed: int, tasks: int, power: float) -> None:
    """alpha_i becomes alpha_i / c when g_i becomes c g_i; so alpha_i g_i stays."""
    gram = normal(seed, tasks, 2 * tasks)
    gram = gram @ gram.T
    factors = torch.ones(tasks, dtype=torch.float64)
    factors[seed % tasks] = 10**power
    scaled = bargain(gram * factors.outer(factors)).alpha
    assert torch.allclose(scaled * factors, bargain(gram).alpha, rtol=1e-9)
    assert (scaled > 0).all()


def test_a_batch_is_solved_as_its_members_are() -> None:
    gradients = normal(3, 2, 4, 5, 9)
    gradients[1, 2, 3] = -gradients[1, 2, 4]
    gram = gradients @ gradients.mT
    whole = bargain(gram)
    assert whole.alpha.shape == (2, 4, 5)
    assert whole.stationary.sum() == 1
    for i in range(2):
        for j in range(4):
            one = bargain(gram[i, j])
            assert torch.allclose(one.alpha, whole.alpha[i, j], rtol=1e-9, equal_nan=True)
            assert one.stationary == whole.stationary[i, j]


def test_singular_matrices_with_a_solution() -> None:
    """The same gradient K times: alpha_i = 1 / (|g| sqrt K). Doubled tasks share what one gets."""
    for tasks in SIZES:
        found = bargain(4 * torch.ones(tasks, tasks))
        assert found.alpha.numpy() == pytest.approx(1 / (2 * math.sqrt(tasks)))
    gradients = normal(0, 3, 5)
    doubled = torch.cat([gradients, gradients])
    found = bargain(doubled @ doubled.T)
    assert found.residual < 1e-12
    single = bargain(gradients @ gradients.T).alpha
    assert found.alpha.numpy() == pytest.approx(torch.cat([single, single]) / math.sqrt(2))
    # Fewer dimensions than tasks, all gradients in one half space.
    rows = normal(1, 10, 3).abs()
    assert bargain(rows @ rows.T).residual < 1e-12


STATIONARY: dict[str, Any] = {
    "opposite": lambda k, s: _with_last(normal(s, k, 3 * k), lambda g: -2 * g[0]),
    "a gradient of zero": lambda k, s: _with_last(normal(s, k, 3 * k), lambda g: 0 * g[0]),
    "the sum of two": lambda k, s: _with_last(normal(s, k, 3 * k), lambda g: -g[:2].sum(0)),
    "all in balance": lambda k, s: _centred(normal(s, k, 3 * k), 0) * spread(s, k, 1e-3),
    "more tasks than dimensions": lambda k, s: torch.cat(
        [normal(s, k // 2 + 1, 2), -normal(s, k // 2 + 1, 2)]
    ),
}


def _with_last(gradients: Tensor, make: Any) -> Tensor:
    return torch.cat([gradients[:-1], make(gradients)[None]])


@pytest.mark.parametrize("tasks", [3, 10, 40])
@pytest.mark.parametrize("family", STATIONARY.values(), ids=STATIONARY.keys())
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_non_negative_null_vector_is_a_stationary_point(
    family: Any, tasks: int, dtype: torch.dtype
) -> None:
    """Also where the gradients are rounded to float32, so that they vanish to 1e-7 only."""
    for seed in range(10):
        gradients = family(tasks, seed).to(dtype)
        found = bargain(gram_matrix(gradients))
        assert found.stationary
        assert found.alpha.isnan().all()
        assert found.residual.isnan()


def test_almost_opposite_gradients_are_solved_as_well_as_float64_can() -> None:
    for distance in (1e-6, 1e-8, 1e-10):
        cosine = -1 + distance
        gram = torch.tensor([[1, cosine], [cosine, 1]], dtype=torch.float64)
        found = bargain(gram)
        assert not found.stationary
        assert found.residual < 4e-16 / distance + 1e-15
        assert found.alpha.numpy() == pytest.approx(1 / math.sqrt(distance), rel=1e-5)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_gram_matrix_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        bargain(torch.tensor([[1.0, value], [value, 1.0]]))
    with pytest.raises(ValueError, match="not positive semi-definite"):
        bargain(torch.tensor([[1.0, -1.8, 0.7], [-1.8, 1.0, 0.1], [0.7, 0.1, 1.0]]))


def test_the_gram_matrix_is_summed_in_float64() -> None:
    gradients = normal(0, 3, 400_001).float()
    exact = gradients.double() @ gradients.double().T
    assert torch.allclose(gram_matrix(gradients), exact, rtol=1e-13, atol=1e-9)


@pytest.mark.parametrize("tasks", [2, 10])
@pytest.mark.parametrize("length", [2**20, 2**20 + 5_000])
def test_the_rounded_gram_matrix_errs_less_than_float32_gradients(tasks: int, length: int) -> None:
    gradients = (normal(0, 1, length) + normal(1, tasks, length)).float()
    exact = gram_matrix(gradients)
    lengths = exact.diagonal().sqrt()
    error = (rounded_gram_matrix(gradients) - exact) / lengths.outer(lengths)
    assert 0 < error.abs().max() < 3e-8
    short = gradients[:, :1000]
    assert torch.equal(rounded_gram_matrix(short), gram_matrix(short))


def test_the_sensitivity_tells_how_an_error_of_the_gram_matrix_shows() -> None:
    correlation = torch.tensor([[1, -0.999], [-0.999, 1]], dtype=torch.float64)
    alpha = bargain(correlation).alpha
    moved = correlation * torch.tensor([[1, 1 + 1e-9], [1 + 1e-9, 1]], dtype=torch.float64)
    shown = residual(moved, alpha) / 1e-9
    assert float(shown) == pytest.approx(float(sensitivity(correlation, alpha)) / 2, rel=1e-2)


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(2, 5))
def test_the_published_procedure_nears_the_exact_solution(seed: int, tasks: int) -> None:
    """On gradients of like length, where the conic solver does well."""
    gradients = normal(seed, tasks, 10 * tasks)
    gram = gradients @ gradients.T / (10 * tasks)
    found = published_procedure(gram, torch.ones(tasks), 20)
    assert found.failure == ""
    assert 1 <= found.problems <= 20
    assert residual(gram, found.alpha) < 0.05


def test_the_published_procedure_is_torchjds() -> None:
    for seed in range(3):
        gradients = normal(seed, 3, 30) / 5
        theirs = NashMTL(n_tasks=3, max_norm=0, update_weights_every=1, optim_niter=5)
        update = theirs(gradients)
        ours = published_procedure(gradients @ gradients.T, torch.ones(3), 5)
        assert torch.allclose(ours.alpha @ gradients, update.double(), rtol=1e-2, atol=1e-3)


def test_a_failure_of_the_published_procedure_is_told() -> None:
    """Lengths of 1 and 1e-5: the conic solver fails, and alpha stays where it was."""
    lengths = torch.tensor([1e-5, 1.0], dtype=torch.float64)
    correlation = torch.tensor([[1, -0.5], [-0.5, 1]], dtype=torch.float64)
    gram = lengths.outer(lengths) * correlation
    found = published_procedure(gram, torch.tensor([3.0, 4.0]), 20)
    assert found.failure == "status infeasible"
    assert found.alpha.tolist() == [3.0, 4.0]
    assert bargain(gram).residual < 1e-12
