"""Weightings against their papers' equations and against LibMTL."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from replications.core.weighting.base import Weighting
from replications.core.weighting.equal.weighting import Equal
from replications.core.weighting.libmtl.weighting import LibMTL
from replications.uncertainty.objective.weighting import Uncertainty

LIKELIHOODS = {"semseg": "classification", "depth": "regression"}
positive = st.floats(0.01, 100)


class Model(nn.Module):
    """Two losses of one shared parameter vector and one head parameter each."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Parameter(torch.tensor([1.0, 2.0]))
        self.heads = nn.Parameter(torch.tensor([0.5, 3.0]))

    def shared_parameters(self) -> list[nn.Parameter]:
        return [self.shared]

    def losses(self) -> dict[str, Tensor]:
        return {
            "semseg": (self.shared * self.heads[0]).pow(2).sum(),
            "depth": (self.shared - self.heads[1]).abs().sum(),
        }


def gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def libmtl(method: str) -> LibMTL:
    return LibMTL(method, {}, list(LIKELIHOODS), torch.device("cpu"), steps=1, epoch=1)


def step(weighting: Weighting) -> tuple[dict[str, Tensor], Model]:
    model = Model()
    record = weighting.backward(model.losses(), model.shared, model)
    return record, model


def test_equal_is_the_gradient_of_the_scaled_sum() -> None:
    record, model = step(Equal(0.5))
    reference = Model()
    (0.5 * sum(reference.losses().values(), torch.tensor(0.0))).backward()
    assert torch.equal(gradient(model.shared), gradient(reference.shared))
    assert {name: float(w) for name, w in record.items()} == {
        "weight_semseg": 0.5,
        "weight_depth": 0.5,
    }


@given(positive, positive, st.floats(-3, 3), st.floats(-3, 3))
def test_uncertainty_objective_is_the_papers(
    classification: float, regression: float, s_class: float, s_regr: float
) -> None:
    """Equation 10 of Kendall et al. for one classification and one regression loss."""
    weighting = Uncertainty(LIKELIHOODS, 0.0).double()
    with torch.no_grad():
        weighting.log_variances["semseg"].fill_(s_class)
        weighting.log_variances["depth"].fill_(s_regr)
    losses = {
        "semseg": torch.tensor(classification, dtype=torch.float64),
        "depth": torch.tensor(regression, dtype=torch.float64),
    }
    sigma_class, sigma_regr = math.exp(s_class / 2), math.exp(s_regr / 2)
    expected = (
        classification / sigma_class**2
        + math.log(sigma_class)
        + regression / (2 * sigma_regr**2)
        + math.log(sigma_regr)
    )
    assert float(weighting.objective(losses).detach()) == pytest.approx(expected, rel=1e-9)


@given(positive)
def test_uncertainty_is_stationary_where_the_paper_says(loss: float) -> None:
    """The objective's minimum over s: sigma^2 = L for regression, 2 L for classification."""
    for task, variance in (("semseg", 2 * loss), ("depth", loss)):
        weighting = Uncertainty({task: LIKELIHOODS[task]}, math.log(variance)).double()
        weighting.objective({task: torch.tensor(loss, dtype=torch.float64)}).backward()
        assert float(weighting.log_variances[task].grad) == pytest.approx(0, abs=1e-6)


def test_uncertainty_reaches_shared_heads_and_log_variances() -> None:
    weighting = Uncertainty(LIKELIHOODS, 1.0)
    record, model = step(weighting)
    assert float(record["weight_semseg"]) == pytest.approx(math.exp(-1))
    assert float(record["weight_depth"]) == pytest.approx(math.exp(-1) / 2)
    assert float(record["log_variance_depth"]) == 1.0
    gradients = [model.shared.grad, model.heads.grad]
    gradients += [s.grad for s in weighting.log_variances.values()]
    assert all(g is not None and g.abs().sum() > 0 for g in gradients)


def test_libmtl_is_our_objective_with_the_regression_form_for_every_loss() -> None:
    theirs = libmtl("UW")
    # LibMTL starts from -0.5.
    ours = Uncertainty(dict.fromkeys(LIKELIHOODS, "regression"), -0.5)
    record, model = step(theirs)
    expected, reference = step(ours)
    assert torch.allclose(gradient(model.shared), gradient(reference.shared))
    assert torch.allclose(gradient(model.heads), gradient(reference.heads))
    slopes = torch.stack([gradient(ours.log_variances[task]) for task in LIKELIHOODS])
    assert torch.allclose(gradient(theirs.method.loss_scale), slopes)
    for name, value in expected.items():
        assert float(record[name]) == pytest.approx(float(value), rel=1e-6)


def test_the_two_forms_differ_in_their_starting_point_only() -> None:
    """exp(-s) L + s / 2 is the regression form of s - log 2, but for a constant."""
    for own, start in (("classification", math.log(2)), ("regression", 0.0)):
        weighting = Uncertainty({"task": own}, start).double()
        parameter = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([parameter, *weighting.parameters()], 0.05, momentum=0.9)
        weights = []
        for _ in range(30):
            optimizer.zero_grad()
            losses = {"task": (parameter - 1) ** 2 + 0.1}
            weights.append(float(weighting.backward(losses, parameter, Model())["weight_task"]))
            optimizer.step()
        if own == "classification":
            expected = weights
    assert weights == pytest.approx(expected)


def test_libmtl_equal_weights_are_ours() -> None:
    _, model = step(libmtl("EW"))
    _, reference = step(Equal(1.0))
    assert torch.equal(gradient(model.shared), gradient(reference.shared))


def test_libmtl_refuses_a_batch_without_one_of_its_tasks() -> None:
    weighting = libmtl("EW")
    model = Model()
    with pytest.raises(ValueError, match="the batch has"):
        weighting.backward({"depth": model.losses()["depth"]}, model.shared, model)
