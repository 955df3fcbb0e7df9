"""Networks: resizing, shapes, and that single and multi start from the same weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from replications.core.nets.registry.dense import DENSE
from replications.core.nets.resize import bilinear
from replications.core.spec import load_plan
from replications.uncertainty.model import build_model
from replications.uncertainty.options import ModelOptions

CHANNELS = {"semseg": 11, "instances": 2, "depth": 1}
side = st.integers(1, 24)


@settings(max_examples=50, deadline=None)
@given(side, side, side, side)
def test_bilinear_is_interpolate(h: int, w: int, height: int, width: int) -> None:
    x = torch.randn(2, 3, h, w, dtype=torch.float64)
    expected = F.interpolate(x, (height, width), mode="bilinear", align_corners=False)
    assert torch.allclose(bilinear(x, (height, width)), expected, atol=1e-12)


def options(study: str) -> ModelOptions:
    return ModelOptions.model_validate(load_plan("uncertainty", study).settings.model)


@pytest.mark.parametrize("task", CHANNELS)
def test_single_and_multi_start_from_the_same_weights(task: str) -> None:
    joint = build_model(CHANNELS, options("quick"), seed=3)
    single = build_model({task: CHANNELS[task]}, options("quick"), seed=3)
    other = build_model(CHANNELS, options("quick"), seed=4)
    for mine, theirs in zip(single.shared_parameters(), joint.shared_parameters(), strict=True):
        assert torch.equal(mine, theirs)
    for mine, theirs in zip(single.task_parameters(task), joint.task_parameters(task), strict=True):
        assert torch.equal(mine, theirs)
    assert not torch.equal(other.shared_parameters()[0], joint.shared_parameters()[0])


def test_predictions_have_the_size_of_the_image() -> None:
    model = build_model(CHANNELS, options("quick"), seed=0)
    predictions = model(torch.zeros(2, 3, 64, 128))
    assert {task: tuple(p.shape) for task, p in predictions.items()} == {
        task: (2, channels, 64, 128) for task, channels in CHANNELS.items()
    }


def test_building_a_model_leaves_the_random_state_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    build_model(CHANNELS, options("micro"), seed=0)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("name", ["thin", "resnet50"])
def test_encoders_have_output_stride_8(name: str) -> None:
    encoder = DENSE[name].build(8, 8, False).eval()
    with torch.no_grad():
        features = encoder(torch.zeros(1, 3, 64, 128))
    assert features.shape == (1, DENSE[name].channels(8), 8, 16)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"encoder": "resnet51"}, "unknown encoder 'resnet51'; known: thin, resnet50"),
        ({"encoder": "thin", "pretrained": True}, "thin encoder has no pretrained weights"),
        ({"encoder": "thin", "stride": 16}, "the thin encoder needs stride: 8"),
    ],
)
def test_encoders_that_cannot_be_had_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelOptions.model_validate(given)
