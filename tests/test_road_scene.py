"""Road and scene: losses and metrics against hand-computed cases and independent programs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.classification import MulticlassAccuracy

from replications.core.data.labels import VOID
from replications.core.tasks.road.task import Road
from replications.core.tasks.scene.task import Scene

ROAD = Road(0)


def logits_of(probability: torch.Tensor) -> torch.Tensor:
    """(B, 2, H, W) logits of a road probability (B, H, W)."""
    return torch.stack([torch.zeros_like(probability), torch.logit(probability)], dim=1)


def test_road_loss_is_cross_entropy_over_labelled_pixels() -> None:
    logits = torch.randn(2, 2, 5, 6)
    semseg = torch.randint(0, 4, (2, 5, 6))
    semseg[1, :3] = VOID
    target = torch.where(semseg == VOID, VOID, (semseg == 0).long())
    expected = F.cross_entropy(logits, target, ignore_index=VOID)
    assert torch.allclose(ROAD.loss(logits, {"semseg": semseg}), expected)


def test_road_loss_without_a_labelled_pixel_is_zero() -> None:
    logits = torch.randn(1, 2, 3, 3, requires_grad=True)
    loss = ROAD.loss(logits, {"semseg": torch.full((1, 3, 3), VOID)})
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_max_f1_by_hand() -> None:
    """Road at .9 and .6, something else at .7 and .1, a void pixel at .95."""
    semseg = torch.tensor([[[0, 0, 1, 1, VOID]]])
    metrics = ROAD.accumulator(complete=True)
    metrics.update(logits_of(torch.tensor([[[0.9, 0.6, 0.7, 0.1, 0.95]]])), {"semseg": semseg})
    found = metrics.compute()
    # From .6 on: precision 2/3, recall 1, F1 .8; from .9 on: F1 2/3.
    assert found["max_f1"].value == pytest.approx(80)
    # Precision 1 up to recall 1/2 (six of the eleven recalls), then 2/3.
    assert found["ap"].value == pytest.approx(100 * (6 + 5 * 2 / 3) / 11)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_road_metrics_are_those_of_a_loop_over_thresholds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probability = np.clip(rng.random((3, 7, 9)), 0.01, 0.99)
    semseg = rng.choice([0, 1, 2, VOID], (3, 7, 9))
    metrics = ROAD.accumulator(complete=True)
    for p, s in zip(probability, semseg, strict=True):
        metrics.update(logits_of(torch.tensor(p)[None]), {"semseg": torch.tensor(s)[None]})
    found = metrics.compute()
    road, labelled = semseg == 0, semseg != VOID
    curve = []
    for threshold in range(256):
        taken = (probability * 255 >= threshold) & labelled
        hits = (taken & road).sum()
        curve.append((hits / road.sum(), hits / max(taken.sum(), 1)))
    f1 = max(2 * p * r / max(p + r, 1e-9) for r, p in curve)
    precision = [
        max((p for r, p in curve if r >= wanted - 1e-12), default=0)
        for wanted in np.linspace(0, 1, 11)
    ]
    assert found["max_f1"].value == pytest.approx(100 * f1, rel=1e-6)
    assert found["ap"].value == pytest.approx(100 * np.mean(precision), rel=1e-6)


def test_road_without_any_road_has_no_metric() -> None:
    metrics = ROAD.accumulator(complete=True)
    metrics.update(torch.zeros(1, 2, 2, 2), {"semseg": torch.ones(1, 2, 2, dtype=torch.int64)})
    assert metrics.compute() == {}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_scene_metrics_are_those_of_torchmetrics(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    ours = Scene(3).accumulator(complete=True)
    micro, macro = MulticlassAccuracy(3, average="micro"), MulticlassAccuracy(3, average="macro")
    for _ in range(3):
        logits = torch.randn(9, 3, generator=generator)
        scene = torch.arange(9) % 3
        ours.update(logits, {"scene": scene})
        micro.update(logits, scene)
        macro.update(logits, scene)
    found = ours.compute()
    assert found["accuracy"].value == pytest.approx(100 * float(micro.compute()), rel=1e-5)
    assert found["mean_accuracy"].value == pytest.approx(100 * float(macro.compute()), rel=1e-5)


def test_a_scene_that_does_not_occur_is_left_out_of_the_mean() -> None:
    metrics = Scene(3).accumulator(complete=True)
    metrics.update(torch.eye(3)[[0, 0, 1]], {"scene": torch.tensor([0, 1, 1])})
    assert metrics.compute()["mean_accuracy"].value == pytest.approx(75)
