"""Hard sharing: the runs of equal size, and those that are trained on."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from replications.core.engine.assembly import build_learner
from replications.core.spec import Plan, load_plan

CHANNELS = {"semseg": 19, "depth": 1, "edges": 1, "normals": 3}
SINGLES = [f"single_{task}" for task in CHANNELS]
NARROW = [f"narrow_{task}" for task in CHANNELS]


def parameters(plan: Plan, runs: Sequence[str]) -> int:
    """Of all the networks together, as inference needs them."""
    total = 0
    for run in runs:
        build_model = importlib.import_module(
            f"replications.{plan.owner(run).name}.model"
        ).build_model
        channels = {task: CHANNELS[task] for task in plan.runs[run].tasks}
        learner = build_model(channels, plan.model_of(run), 0)
        total += sum(parameter.numel() for parameter in learner.inference_parameters())
    return total


@pytest.mark.parametrize(
    ("name", "one", "others"),
    [
        ("hard_sharing", ["hard_wide"], SINGLES),
        ("mtan", ["hard_mtan"], ["mtan"]),
        ("sluice", ["hard_wide"], ["sluice"]),
        ("experts", ["hard_wide"], ["mmoe"]),
        ("hard_sharing", NARROW, ["hard"]),
    ],
)
def test_runs_of_equal_size_have_as_many_parameters(
    name: str, one: list[str], others: list[str]
) -> None:
    plan = load_plan(name, "cpu")
    assert parameters(plan, one) == pytest.approx(parameters(plan, others), rel=0.1)


def test_a_run_trains_on_what_another_has_trained() -> None:
    plan = load_plan("hard_sharing", "micro")
    alone: Any = {"depth": SimpleNamespace(channels=1)}
    given = alone, 0, torch.device("cpu")
    trained = build_learner(plan, "single_depth", *given)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(1.0)
    found = build_learner(
        plan, "continued_depth", *given, {"itself": trained.requires_grad_(False)}
    )
    for own, other in zip(found.parameters(), trained.parameters(), strict=True):
        assert torch.equal(own, other)
        assert own is not other
        assert own.requires_grad
