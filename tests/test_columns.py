"""Columns of stages: what is shared, what starts alike, which head predicts what."""

from __future__ import annotations

import pytest
import torch

from replications.core.nets.columns import Columns
from replications.core.nets.registry.staged import STAGED, STAGES, StagedOptions
from replications.core.nets.shared_trunk import seeded

IMAGES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))
CHANNELS = {"semseg": 5, "depth": 1}


def options(**own: object) -> StagedOptions:
    return StagedOptions.model_validate({"encoder": "thin", "width": 4, "head_channels": 8} | own)


def columns(tasks: tuple[str, ...] = ("semseg", "depth"), common: int = 0) -> Columns:
    return Columns({task: CHANNELS[task] for task in tasks}, options(), 0, common)


@pytest.mark.parametrize("common", range(STAGES + 1))
def test_a_task_starts_as_its_single_task_network(common: int) -> None:
    """Whatever is shared, and whatever tasks there are besides."""
    both = columns(common=common).eval()
    for task in CHANNELS:
        alone = columns((task,)).eval()
        assert torch.equal(both.predict(IMAGES)[task], alone.predict(IMAGES)[task])


@pytest.mark.parametrize("common", range(STAGES + 1))
def test_parameters_belong_to_the_tasks_that_use_them(common: int) -> None:
    learner = columns(common=common)
    parts = [learner.shared_parameters(), *(learner.task_parameters(task) for task in CHANNELS)]
    counted = [id(p) for part in parts for p in part]
    assert len(counted) == len(set(counted))
    assert set(counted) == {id(p) for p in learner.parameters()}
    learner.predict(IMAGES)["depth"].sum().backward()
    assert all(p.grad is None for p in learner.task_parameters("semseg"))
    assert all(p.grad is not None for p in learner.shared_parameters())


def test_heads_for_pixels_cells_and_images() -> None:
    kinds = {"vehicles": "cells", "scene": "image"}
    channels = {"depth": 1, "vehicles": 6, "scene": 3}
    found = Columns(channels, options(heads=kinds), 0, STAGES).predict(IMAGES)
    shapes = {task: tuple(prediction.shape) for task, prediction in found.items()}
    assert shapes == {"depth": (2, 1, 32, 64), "vehicles": (2, 6, 4, 8), "scene": (2, 3)}


@pytest.mark.parametrize("name", STAGED)
def test_every_encoder_has_the_channels_that_it_says(name: str) -> None:
    kind = STAGED[name]
    with seeded(0, "trunk"):
        stages = kind.build(4, kind.strides[0] if kind.strides else 1, False)
    # Pictures, or sentences of 64 words.
    x = torch.rand(1, 3, 64, 64) if kind.strides else torch.randint(1, 90, (1, 64, 5))
    for stage, channels in zip(stages, kind.channels(4), strict=True):
        x = stage.eval()(x)
        assert x.shape[1] == channels
    assert 64 // x.shape[-1] == (kind.strides[0] if kind.strides else 1)
