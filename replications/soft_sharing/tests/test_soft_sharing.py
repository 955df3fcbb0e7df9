"""Soft sharing: the penalties, and what they make of the networks at both ends."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from replications.core.nets.learner import Moment
from replications.soft_sharing.model import SoftSharing, build_model
from replications.soft_sharing.options import ModelOptions
from replications.soft_sharing.penalties import l2, trace_norm

CHANNELS = {"semseg": 5, "depth": 1}
NOW = Moment(0, 10, "train")


def model(tasks: tuple[str, ...] = ("semseg", "depth"), **own: object) -> SoftSharing:
    given = {"encoder": "thin", "width": 4, "head_channels": 8}
    options = ModelOptions.model_validate(given | own)
    return build_model({task: CHANNELS[task] for task in tasks}, options, 0)


def trained(learner: SoftSharing, steps: int, kind: type = torch.optim.Adam) -> SoftSharing:
    """After some steps on losses that do not know of each other."""
    optimizer = kind(learner.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        images = torch.rand(2, 3, 32, 64, generator=generator)
        found = learner.predict(images)
        losses = [
            p.square().mean() if t == "depth" else (p - 1).abs().mean() for t, p in found.items()
        ]
        losses += learner.penalties(NOW).values()
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        optimizer.step()
    return learner


def test_without_strength_it_is_the_single_task_networks_bit_for_bit() -> None:
    both = trained(model(), 3)
    for task in CHANNELS:
        alone = trained(model((task,)), 3)
        pairs = zip(both.task_parameters(task), alone.parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)


def apart(learner: SoftSharing) -> float:
    """How far the encoders of the two tasks are apart."""
    with torch.no_grad():
        return sum(float(l2(stacked)) for stacked in learner.coupled())


def test_a_large_strength_tends_to_hard_sharing() -> None:
    sgd = torch.optim.SGD
    loose, tight = trained(model(), 5, sgd), trained(model(penalty="l2", strength=40.0), 5, sgd)
    assert apart(tight) < 0.25 * apart(loose)


def test_heads_biases_and_batch_norm_are_free() -> None:
    learner = trained(model(), 1)
    learner.zero_grad()
    learner.penalty, learner.name, learner.strength = l2, "l2", 1.0
    learner.penalties(NOW)["l2"].backward()
    pulled = {name for name, p in learner.named_parameters() if p.grad is not None}
    kernels = {
        f"columns.{name}.weight"
        for name, module in learner.columns.named_modules()
        if isinstance(module, nn.Conv2d)
    }
    assert pulled == kernels


def test_a_single_task_has_no_penalty() -> None:
    assert model(("depth",), strength=1.0).penalties(NOW) == {}


@pytest.fixture
def stacked() -> Tensor:
    return torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_l2_is_half_the_sum_over_pairs_of_squared_distances_by_count(stacked: Tensor) -> None:
    """Of K tensors the squared distances from the mean add up to those of all pairs over K."""
    pairs = sum((stacked[i] - stacked[j]).square().sum() for i in range(3) for j in range(i))
    assert float(l2(stacked)) == pytest.approx(float(pairs) / 3)


def test_the_trace_norm_is_that_of_the_unfolding(stacked: Tensor) -> None:
    expected = torch.linalg.matrix_norm(stacked.reshape(3, 20), ord="nuc")
    assert float(trace_norm(stacked)) == pytest.approx(float(expected))
    # Of tensors that are multiples of one: its norm times that of the factors.
    factors = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    alike = factors[:, None, None] * stacked[0]
    assert float(trace_norm(alike)) == pytest.approx(float(factors.norm() * stacked[0].norm()))


def test_the_gradient_of_the_trace_norm_is_finite_where_networks_are_equal() -> None:
    """As at the start of every training, where it has rank one."""
    learner = model(penalty="trace_norm", strength=1.0)
    learner.penalties(NOW)["trace_norm"].backward()
    grads = [p.grad for p in learner.parameters() if p.grad is not None]
    assert len(grads) > 0
    assert all(g.isfinite().all() for g in grads)
