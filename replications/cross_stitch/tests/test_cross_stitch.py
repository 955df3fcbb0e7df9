"""Cross-stitch networks: the unit's equation, the start from trained networks, LibMTL's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from conftest import moved_columns
from replications.core.evidence.study import Results
from replications.core.nets.columns import Columns
from replications.core.nets.registry.staged import StagedOptions
from replications.core.spec import load_plan
from replications.core.weighting.libmtl.weighting import libmtl_class
from replications.cross_stitch import figures
from replications.cross_stitch.model import StitchedColumns, build_model
from replications.cross_stitch.options import ModelOptions
from replications.cross_stitch.units import CrossStitch

CHANNELS = {"semseg": 5, "depth": 1}
IMAGES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))
THIN = {"encoder": "thin", "width": 4, "head_channels": 8}


def test_the_unit_is_equation_1() -> None:
    unit = CrossStitch(3, 4, 0.9)
    assert unit.alpha[:, :, 0].tolist() == [
        [pytest.approx(0.9 if i == j else 0.05) for j in range(3)] for i in range(3)
    ]
    nn.init.normal_(unit.alpha)
    features = torch.randn(3, 2, 4, 5, 6)
    expected = torch.einsum("ijc,jbchw->ibchw", unit.alpha, features)
    torch.testing.assert_close(torch.stack(unit(list(features))), expected)


def single(task: str) -> Columns:
    """A trained single-task network, the same at every call."""
    options = StagedOptions.model_validate(THIN)
    network: Columns = moved_columns(task, CHANNELS[task], options)
    return network


def stitched(own: float) -> StitchedColumns:
    needs = {task: single(task) for task in CHANNELS}
    options = ModelOptions.model_validate(THIN | {"own": own})
    return build_model(CHANNELS, options, 0, needs).eval()


def test_it_starts_from_the_trained_networks() -> None:
    """Whole where nothing is taken of the others."""
    found = stitched(own=1.0).predict(IMAGES)
    for task in CHANNELS:
        assert torch.equal(found[task], single(task).predict(IMAGES)[task])
    mixed = stitched(own=0.9).predict(IMAGES)
    assert not torch.allclose(mixed["depth"], found["depth"])


def test_features_are_those_of_libmtl() -> None:
    """LibMTL 1.1.5 gives all branches the same sum, and has no unit behind the last stage: with
    such units ours are the same, on its ResNet-18."""
    libmtl_class("EW")  # lets the library be imported
    from LibMTL.architecture.Cross_stitch import _transform_resnet_cross
    from LibMTL.model.resnet import resnet18

    networks = [resnet18(pretrained=False) for _ in CHANNELS]
    theirs = _transform_resnet_cross(networks, list(CHANNELS), torch.device("cpu")).eval()
    nn.init.uniform_(theirs.cross_unit)
    options = ModelOptions.model_validate({"encoder": "resnet18", "stride": 32, "head_channels": 8})
    ours = build_model(CHANNELS, options, 0).eval()
    with torch.no_grad():
        for number, task in enumerate(CHANNELS):
            first, *others = ours.columns[task].children()
            *stem, layer = first.children()
            for part, index in zip(stem[:2], (0, 1), strict=True):
                part.load_state_dict(theirs.resnet_conv[task][index].state_dict())
            for level, stage in enumerate([layer, *others]):
                stage.load_state_dict(theirs.resnet_layer[str(level)][number].state_dict())
        taken = [*(row.expand(2, 2) for row in theirs.cross_unit[:3]), torch.eye(2)]
        for alpha, own in zip(ours.shared_parameters(), taken, strict=True):
            alpha.copy_(own[:, :, None].expand_as(alpha))
        images = torch.rand(2, 3, 64, 96)
        found = ours.columned(images).values()
        for own, expected in zip(found, theirs(images), strict=True):
            torch.testing.assert_close(own, expected)


def test_what_is_joined_is_compared_with_what_is_trained_on() -> None:
    """As many steps from the same weights; the units learn ten times as fast."""
    plan = load_plan("cross_stitch", "cpu")
    for budget in ("", "@steps=300"):
        for task in ("semseg", "depth"):
            single = plan.single_of(task, f"cross_stitch{budget}")
            assert single == f"continued_{task}{budget}"
            assert plan.runs[single].needs == {"itself": f"single_{task}{budget}"}
            assert plan.single_of(task, f"hard_wide{budget}") == f"single_{task}{budget}"
            assert plan.single_of(task, f"hard_wide_on{budget}") == single
            assert plan.owner(f"single_{task}{budget}").name == "hard_sharing"
    (phase,) = plan.runs["cross_stitch"].phases
    assert phase.rates == {"units": 10}


def test_units_are_drawn(learned: Callable[..., Results]) -> None:
    alpha = build_model(CHANNELS, ModelOptions.model_validate(THIN), 0).learned()["alpha"]
    assert alpha.shape == (4, 2, 2)
    assert alpha[0].flatten().tolist() == pytest.approx([0.9, 0.1, 0.1, 0.9])
    figure = figures.units(learned(load_plan("cross_stitch", "cpu"), alpha=torch.rand(4, 4, 4)))
    assert [axis.get_title() for axis in figure.axes] == ["1단", "2단", "3단", "4단"]
