"""Training steps of a run by themselves, on random images."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.core.data.batches import Description, Split
from replications.core.engine.assembly import (
    assemble,
    build_decoding,
    build_learner,
    build_tasks,
)
from replications.core.engine.loop import update
from replications.core.spec import Plan

_CLASSES = 11
Step = Callable[[], dict[str, Tensor]]
"""Takes a training step; returns `loss_<task>`, `weight_<task>` and what else is recorded."""


def random_split(plan: Plan, device: torch.device) -> Split:
    """A batch of random images and labels."""
    batch, size = plan.settings.batch_size, plan.data.model_dump()["size"]
    normals = F.normalize(torch.randn(batch, 3, *size), dim=1)
    labels = {
        "semseg": torch.randint(_CLASSES, (batch, *size)).byte(),
        "depth": 1 + torch.rand(batch, *size),
        "normals": (127 * normals).round().to(torch.int8),
    }
    images = {"image": torch.randint(256, (batch, 3, *size)).byte()}
    return Split(images, labels, device, build_decoding(plan.data))


def step_of(plan: Plan, run: str, seed: int, device: torch.device) -> Step:
    """A function that takes one training step of a run, from the initial weights and on the images
    of a seed."""
    facts = {"classes": [""] * _CLASSES, "focal": 1.0}
    dataset = Description(plan.data.name, plan.data.variant, {}, {}, facts, {})
    tasks = build_tasks(plan, run, dataset)
    torch.manual_seed(seed)
    learner = build_learner(plan, run, tasks, seed, device)
    split = random_split(plan, device)
    job, training = assemble(plan, run, seed, tasks, learner, split, split, Path(), "")
    return functools.partial(update, job, training)
