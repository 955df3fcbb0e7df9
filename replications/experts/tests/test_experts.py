"""Mixtures of experts: the gate, where they start, and LibMTL's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from replications.core.nets.columns import Columns
from replications.core.weighting.libmtl.weighting import libmtl_class
from replications.experts.model import Experts, build_model
from replications.experts.options import ModelOptions

CHANNELS = {"semseg": 5, "depth": 1}
IMAGES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))
KINDS = {"MMoE": {"shared": 3}, "CGC": {"shared": 2, "own": 1}}


def model(**own: object) -> Experts:
    thin = {"encoder": "thin", "width": 4, "head_channels": 8, "seen": (32, 64)}
    return build_model(CHANNELS, ModelOptions.model_validate(thin | own), 0).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_those_of_libmtl(kind: str) -> None:
    ours = model(**KINDS[kind])
    libmtl_class("EW")  # supplies what the library imports
    from LibMTL import architecture

    experts = iter([*ours.shared, *(e for task in CHANNELS for e in ours.own[task].children())])
    theirs: Any = getattr(architecture, kind)(
        list(CHANNELS),
        lambda: next(experts),
        nn.ModuleDict({task: nn.Identity() for task in CHANNELS}),
        rep_grad=False,
        multi_input=False,
        device=torch.device("cpu"),
        img_size=[3, 32, 64],
        num_experts=[len(ours.shared), *[1] * len(CHANNELS)],
    ).eval()
    for task in CHANNELS:
        theirs.gate_specific[task][0].load_state_dict(ours.gates[task].state_dict())
    with torch.no_grad():
        expected, found = theirs(IMAGES), ours.mixed(IMAGES, CHANNELS)
    for task in CHANNELS:
        assert torch.allclose(found[task], expected[task], atol=1e-6)


def test_a_gate_shares_out_the_whole() -> None:
    ours = model(shared=2, own=1, seen=(2, 4))
    gate = ours.gate(IMAGES, "depth")
    assert gate.shape == (2, 3)
    assert gate.sum(dim=1).tolist() == pytest.approx([1.0, 1.0])


def test_one_expert_is_hard_sharing() -> None:
    """And several start apart, the first as the encoder of the single-task networks."""
    hard = Columns(CHANNELS, ModelOptions(encoder="thin", width=4, head_channels=8), 0, common=4)
    with torch.no_grad():
        expected = hard.eval().predict(IMAGES)
        found = model(shared=1).predict(IMAGES)
    assert all(torch.allclose(found[task], expected[task], atol=1e-6) for task in CHANNELS)
    first, second = (next(iter(e.parameters())) for e in model(shared=2).shared)
    assert torch.equal(first, next(iter(hard.trunk.parameters())))
    assert not torch.equal(first, second)
