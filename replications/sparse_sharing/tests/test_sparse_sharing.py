"""Sparse sharing: what pruning leaves, where it begins anew, what masks keep apart and cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from replications.core.evidence.study import Results
from replications.core.nets.columns import Columns
from replications.core.nets.learner import Moment
from replications.core.spec import load_plan
from replications.sparse_sharing import figures
from replications.sparse_sharing.masks import drawn, kernels, overlap, pruned, stored
from replications.sparse_sharing.model import SparseSharing, build_model
from replications.sparse_sharing.options import ModelOptions

CHANNELS = {"semseg": 5, "depth": 1}
IMAGES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))


def options(**own: object) -> ModelOptions:
    return ModelOptions.model_validate({"encoder": "thin", "width": 4, "head_channels": 8} | own)


def share(learner: SparseSharing, task: str) -> float:
    masks = learner.masks(task)
    return float(sum(m.sum() for m in masks.values())) / sum(m.numel() for m in masks.values())


def test_whole_masks_are_hard_sharing() -> None:
    found = build_model(CHANNELS, options(), 0).eval().predict(IMAGES)
    hard = Columns(CHANNELS, options(), 0, common=4).eval().predict(IMAGES)
    assert all(torch.equal(found[task], hard[task]) for task in CHANNELS)


def test_the_smallest_weights_of_all_layers_are_pruned() -> None:
    weights = {"a": torch.tensor([[1.0, -4.0]]), "b": torch.tensor([3.0, -2.0, 0.5])}
    whole = {name: torch.ones_like(w) for name, w in weights.items()}
    once = pruned(weights, whole, 0.6)
    assert once["a"].tolist() == [[0.0, 1.0]]
    assert once["b"].tolist() == [1.0, 1.0, 0.0]
    # What is gone stays gone, whatever its size.
    twice = pruned({"a": torch.tensor([[9.0, -4.0]]), "b": weights["b"]}, once, 0.2)
    assert twice["a"].tolist() == [[0.0, 1.0]]
    assert twice["b"].tolist() == [0.0, 0.0, 0.0]


def test_a_round_prunes_and_begins_anew() -> None:
    """Two prunings to a quarter: a half each; the round behind the last leaves all as it is."""
    learner = build_model({"depth": 1}, options(prunings=2, left=0.25), 0)
    start = {name: p.detach().clone() for name, p in learner.named_parameters()}
    for number, left in enumerate((0.5, 0.25, 0.25)):
        with torch.no_grad():
            for parameter in learner.parameters():
                parameter.add_(torch.randn_like(parameter))
        before = {name: p.detach().clone() for name, p in learner.named_parameters()}
        expected = start if number < 2 else before
        learner.finish(Moment(0, 9, "prune", number))
        assert share(learner, "depth") == pytest.approx(left, abs=0.01)
        assert all(torch.equal(p, expected[name]) for name, p in learner.named_parameters())


def tickets() -> dict[str, SparseSharing]:
    """Pruned single-task networks that differ."""
    found = {}
    for index, task in enumerate(CHANNELS):
        learner = build_model({task: CHANNELS[task]}, options(prunings=1, left=0.3), 0)
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(index)
            for weight in kernels(learner.trunk).values():
                weight.add_(torch.randn_like(weight))
        learner.finish(Moment(0, 9, "prune"))
        found[task] = learner
    return found


def test_masks_are_those_of_the_runs_that_it_needs() -> None:
    needs = tickets()
    learner = build_model(CHANNELS, options(), 0, needs).eval()
    for task, ticket in needs.items():
        same = ticket.eval().predict(IMAGES)[task]
        assert torch.equal(learner.predict(IMAGES)[task], same)


def test_a_weight_is_taught_by_the_tasks_that_use_it() -> None:
    learner = build_model(CHANNELS, options(), 0, tickets())
    learner.predict(IMAGES)["depth"].sum().backward()
    masks = learner.masks("depth")
    for name, weight in kernels(learner.trunk).items():
        assert weight.grad is not None
        assert not weight.grad[masks[name] == 0].any()
    assert all(p.grad is None for p in learner.task_parameters("semseg"))


def test_weights_in_use_are_stored_with_a_bit_for_each_task() -> None:
    one = {"a": torch.tensor([1.0, 1.0, 0.0, 0.0])}
    other = {"a": torch.tensor([0.0, 1.0, 0.0, 1.0])}
    assert stored([one, other]) == 3 + 1  # eight bits
    assert overlap(one, other) == pytest.approx(1 / 3)
    learner = build_model(CHANNELS, options(), 0, tickets())
    count = sum(p.numel() for p in learner.inference_parameters())
    assert count < sum(p.numel() for p in learner.parameters())
    assert count > 0.3 * sum(w.numel() for w in kernels(learner.trunk).values())


def test_drawn_masks_use_as_much() -> None:
    learner = build_model(CHANNELS, options(masks="random", left=0.3), 0)
    assert share(learner, "depth") == pytest.approx(0.3, abs=0.01)
    # Of independent masks of a density d the overlap is d / (2 - d).
    own = overlap(learner.masks("semseg"), learner.masks("depth"))
    assert own == pytest.approx(0.3 / 1.7, abs=0.03)
    again = build_model(CHANNELS, options(masks="random", left=0.3), 0)
    assert all(torch.equal(m, again.masks("depth")[n]) for n, m in learner.masks("depth").items())
    assert drawn({"a": torch.ones(10)}, 0.5)["a"].sum() == 5


def test_random_masks_use_as_much_of_every_layer() -> None:
    needs = tickets()
    learner = build_model(CHANNELS, options(masks="random"), 0, needs)
    for task, ticket in needs.items():
        own, found = ticket.masks(task), learner.masks(task)
        assert all(own[name].sum() == found[name].sum() for name in own)
        assert any(not torch.equal(own[name], found[name]) for name in own)


def test_a_killed_training_finds_its_masks_again() -> None:
    (ticket, _) = tickets().values()
    other = build_model({"semseg": 5}, options(prunings=1, left=0.3), 0)
    other.load_state_dict(ticket.state_dict())
    assert share(other, "semseg") == pytest.approx(0.3, abs=0.01)


def test_overlaps_are_drawn(learned: Callable[..., Results]) -> None:
    plan = load_plan("sparse_sharing", "cpu")
    own = build_model(CHANNELS, options(), 0, tickets()).learned()["overlap"]
    assert own.diagonal().tolist() == [1.0, 1.0]
    assert own[0, 1] == own[1, 0] < 1
    assert len(figures.overlap(learned(plan, overlap=torch.eye(4))).axes) == 2
