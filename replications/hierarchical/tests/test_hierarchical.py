"""A task is predicted from the features of its depth, and teaches the stages below alone."""

from __future__ import annotations

import torch

from replications.core.nets.columns import Columns
from replications.hierarchical.model import build_model
from replications.hierarchical.options import ModelOptions

CHANNELS = {"edges": 1, "normals": 3, "depth": 1, "semseg": 5}
IMAGES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))


def options(**depths: int) -> ModelOptions:
    return ModelOptions(encoder="thin", width=4, head_channels=8, depths=depths)


def test_a_task_teaches_the_stages_below_it_alone() -> None:
    depths = {"edges": 1, "normals": 2, "depth": 3, "semseg": 4}
    for task, depth in depths.items():
        learner = build_model(CHANNELS, options(**depths), 0)
        learner.predict(IMAGES)[task].sum().backward()
        for level, stage in enumerate(learner.trunk):
            taught = {p.grad is not None for p in stage.parameters()}
            assert taught == {level < depth}, (task, level)


def test_with_every_task_at_the_top_it_is_hard_sharing() -> None:
    learner, hard = build_model(CHANNELS, options(), 0), Columns(CHANNELS, options(), 0, common=4)
    for network in (learner, hard):
        network.eval()
    ours, theirs = learner.predict(IMAGES), hard.predict(IMAGES)
    assert all(torch.equal(ours[task], theirs[task]) for task in CHANNELS)


def test_shared_are_the_stages_that_every_task_uses() -> None:
    learner = build_model(CHANNELS, options(edges=2), 0)
    expected = [p for stage in learner.trunk[:2] for p in stage.parameters()]
    assert [id(p) for p in learner.shared_parameters()] == [id(p) for p in expected]


def test_stages_above_all_tasks_are_not_built() -> None:
    assert len(build_model({"edges": 1}, options(edges=2), 0).trunk) == 2
