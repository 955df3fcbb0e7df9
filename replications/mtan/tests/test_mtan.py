"""MTAN: what a stage is cut into, what a task keeps, and LibMTL's forward pass."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from replications.core.nets.columns import Columns, encoder
from replications.core.nets.registry.staged import PICTURES
from replications.core.weighting.libmtl.weighting import libmtl_class
from replications.mtan.halves import through
from replications.mtan.model import build_model
from replications.mtan.options import ModelOptions

CHANNELS = {"semseg": 5, "depth": 1}


def options(**own: object) -> ModelOptions:
    return ModelOptions.model_validate({"encoder": "thin", "width": 4, "head_channels": 8} | own)


@pytest.mark.parametrize("name", PICTURES)
def test_a_stage_in_halves_is_the_stage(name: str) -> None:
    stages = encoder(options(encoder=name, stride=PICTURES[name].strides[0]), 0).eval()
    x = torch.rand(1, 3, 64, 64)
    for stage in stages:
        inner, output = through(stage, x)
        x = stage(x)
        assert torch.equal(output, x)
        assert inner.shape[-2:] == x.shape[-2:]


def test_with_open_masks_it_is_hard_sharing() -> None:
    """Masks of one keep everything of the last stage."""
    learner = build_model(CHANNELS, options(), 0).eval()
    for masks in learner.masks.values():
        for mask in masks.children():
            *_, normalised, _ = mask.get_submodule("layers").children()
            nn.init.constant_(normalised.get_parameter("bias"), 50.0)
    images = torch.rand(2, 3, 32, 64)
    hard = Columns(CHANNELS, options(), 0, common=4).eval()
    found, expected = learner.predict(images), hard.predict(images)
    for task in CHANNELS:
        torch.testing.assert_close(found[task], expected[task])


def test_masks_are_of_a_task_and_bridges_of_all() -> None:
    learner = build_model(CHANNELS, options(), 0)
    learner.predict(torch.rand(2, 3, 32, 64))["depth"].sum().backward()
    assert all(p.grad is None for p in learner.task_parameters("semseg"))
    assert all(p.grad is not None for p in learner.task_parameters("depth"))
    assert all(p.grad is not None for p in learner.shared_parameters())


def test_a_task_starts_alike_whatever_tasks_there_are() -> None:
    images = torch.rand(2, 3, 32, 64)
    both = build_model(CHANNELS, options(), 0).eval().predict(images)
    alone = build_model({"depth": 1}, options(), 0).eval().predict(images)
    assert torch.equal(both["depth"], alone["depth"])


def test_features_are_those_of_libmtl() -> None:
    """On its ResNet-18 with its bridges, which are residual blocks there."""
    libmtl_class("EW")  # lets the library be imported
    from LibMTL.architecture.MTAN import _transform_resnet_MTAN
    from LibMTL.model.resnet import resnet18

    theirs = _transform_resnet_MTAN(resnet18(pretrained=False), [*CHANNELS], torch.device("cpu"))
    theirs.eval()
    ours = build_model(CHANNELS, options(encoder="resnet18", stride=32), 0).eval()
    first, *others = ours.trunk.children()
    *stem, layer = first.children()
    stem[0].load_state_dict(theirs.shared_conv[0].state_dict())
    stem[1].load_state_dict(theirs.shared_conv[1].state_dict())
    for level, stage in enumerate([layer, *others]):
        front, last = theirs.shared_layer[str(level)]
        for own, block in zip(stage.children(), [*front, last], strict=True):
            own.load_state_dict(block.state_dict())
        for number, task in enumerate(CHANNELS):
            mask = ours.masks[task].get_submodule(str(level)).get_submodule("layers")
            for own, layer in zip(
                mask.children(), theirs.encoder_att[str(level)][number], strict=True
            ):
                # A bias in front of batch norm, which theirs has, is without effect in training.
                state = layer.state_dict()
                if isinstance(layer, nn.Conv2d):
                    nn.init.zeros_(state.pop("bias"))
                own.load_state_dict(state)
    ours.bridges = theirs.encoder_block_att
    images = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        halves = ours.encode(images)
        for task, expected in zip(CHANNELS, theirs(images), strict=True):
            torch.testing.assert_close(ours.attended(halves, task), expected)
