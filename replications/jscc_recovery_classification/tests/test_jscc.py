"""Coding rates, subspaces, gates, and the digits that are sent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from replications.core.data.batches import Batch
from replications.core.data.digits.options import DigitsOptions
from replications.core.data.digits.preparation import prepare
from replications.core.data.grey.decoding import GreyPictures
from replications.core.nets.learner import Moment
from replications.core.tasks.category.task import Category
from replications.core.tasks.reconstruction.task import Reconstruction
from replications.jscc_recovery_classification.coding_rate import rate, reduction
from replications.jscc_recovery_classification.model import JointSourceChannel, build_model
from replications.jscc_recovery_classification.options import ModelOptions

CHANNELS = {"reconstruction": 1, "category": 10}
MOMENT = Moment(0, 10, "train")


@pytest.fixture(scope="module")
def digits() -> dict[str, dict[str, Tensor]]:
    """The splits as tensors."""
    return {
        split: {name: torch.tensor(np.asarray(values)) for name, values in own.items()}
        for split, own in prepare(DigitsOptions()).splits
    }


def batch(digits: dict[str, dict[str, Tensor]], count: int = 32) -> Batch:
    decoding = GreyPictures(DigitsOptions())
    own = {name: values[:count] for name, values in digits["train"].items()}
    labels = {name: decoding.label(name, values) for name, values in own.items()}
    return Batch(decoding.input(own), labels)


def network(*tasks: str, **own: Any) -> JointSourceChannel:
    options = ModelOptions.model_validate({"hidden": 32} | own)
    return build_model({name: CHANNELS[name] for name in tasks or CHANNELS}, options, 0)


def tasks(*names: str) -> dict[str, Any]:
    known: dict[str, Any] = {"reconstruction": Reconstruction(1), "category": Category(10)}
    return {name: known[name] for name in names or known}


def test_digits_are_those_of_scikit_learn(digits: dict[str, dict[str, Tensor]]) -> None:
    assert [len(own["image"]) for own in digits.values()] == [1000, 297, 500]
    whole = torch.cat([own["image"] for own in digits.values()])
    assert whole.unique().tolist() == [round(255 * k / 16) for k in range(17)]
    counts = torch.cat([own["category"] for own in digits.values()]).bincount()
    assert counts.min() >= 174


def test_rate_of_one_direction() -> None:
    """By hand: of N equal vectors of length 1 in D dimensions, 1/2 log(1 + D / distortion)."""
    features = torch.tensor([[1.0, 0, 0, 0]]).expand(6, 4)
    assert rate(features, 0.5).item() == pytest.approx(np.log(1 + 4 / 0.5) / 2)


def test_reduction_is_largest_for_orthogonal_classes() -> None:
    classes = torch.tensor([0, 0, 1, 1])
    apart = torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    alike = torch.tensor([[1.0, 0], [0, 1], [1, 0], [0, 1]])
    assert reduction(apart, classes, 0.5) > 0.25
    assert reduction(alike, classes, 0.5).item() == pytest.approx(0, abs=1e-6)
    expected = rate(apart, 0.5) - (rate(apart[:2], 0.5) + rate(apart[2:], 0.5)) / 2
    assert reduction(apart, classes, 0.5).item() == pytest.approx(expected.item())


def test_rate_is_that_of_the_determinant_on_the_other_side() -> None:
    """logdet(I + Z^T Z) = logdet(I + Z Z^T), a second way to compute it."""
    features = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    other = torch.eye(5, dtype=torch.float64) + features @ features.T * 3 / (5 * 0.5)
    assert rate(features, 0.5).item() == pytest.approx(np.linalg.slogdet(other.numpy())[1] / 2)


def test_what_is_sent_has_unit_power(digits: dict[str, dict[str, Tensor]]) -> None:
    own = batch(digits)
    gated = network(gate=0.1)
    final: Any = gated.gate[-1]
    final.bias.data = torch.tensor([5.0, 5, -5, -5, -5, -5, -5, -5])
    for learner, count in ((network(), 8), (gated, 2)):
        symbols = learner.sent(own.inputs, torch.linspace(0, 20, 32))
        power = symbols.abs().square().sum(dim=1) / count
        assert torch.allclose(power, torch.ones(32), atol=1e-5)
    gated.losses(own, {"reconstruction": Reconstruction(1)}, MOMENT)
    assert gated.penalties(MOMENT)["symbols"].item() == pytest.approx(0.1 * 2)


def test_symbols_that_are_left_out_arrive_without_noise(
    digits: dict[str, dict[str, Tensor]],
) -> None:
    learner = network(gate=0.1)
    final: Any = learner.gate[-1]
    final.bias.data = torch.tensor([5.0, 5, -5, -5, -5, -5, -5, -5])
    arrived = learner.arrived(batch(digits).inputs, torch.zeros(32))
    kept = torch.tensor([0, 1, 8, 9])
    others = torch.tensor([i for i in range(16) if i not in kept])
    assert arrived[:, kept].abs().min() > 0
    assert not arrived[:, others].any()
    assert learner.learned()["sent"].round().sum(dim=1).tolist() == [2.0] * 41


def test_a_class_is_the_nearest_subspace() -> None:
    learner = network("category")
    moments = learner.get_buffer("moments")
    moments.zero_()
    for kind in range(10):
        direction = torch.nn.functional.one_hot(torch.tensor(kind), 16).float()
        moments[kind] = torch.outer(direction, direction)
    arrived = 0.1 + torch.eye(16)[:10]
    scores = learner._decoded(arrived, "category", arrived)
    assert scores.argmax(dim=1).tolist() == list(range(10))


def test_transmitters_start_alike_and_pictures_come_back_as_such(
    digits: dict[str, dict[str, Tensor]],
) -> None:
    alone, joint = network("reconstruction"), network()
    assert torch.equal(next(alone.encoder.parameters()), next(joint.encoder.parameters()))
    with torch.no_grad():
        found = joint.predict(batch(digits).inputs, {"snr_db": 20.0})
    assert found["reconstruction"].shape == (32, 1, 8, 8)
    assert found["category"].shape == (32, 10)
    counted = [p for name in CHANNELS for p in joint.task_parameters(name)]
    counted += joint.shared_parameters()
    assert sorted(map(id, counted)) == sorted(id(p) for p in joint.parameters())


def test_it_learns_both_and_noise_harms(digits: dict[str, dict[str, Tensor]]) -> None:
    torch.manual_seed(0)
    learner, own = network(), batch(digits, 300)
    optimizer = torch.optim.Adam(learner.parameters(), lr=0.005)
    for _ in range(150):
        optimizer.zero_grad()
        found = learner.losses(own, tasks(), MOMENT).by_task
        (found["reconstruction"] + 0.01 * found["category"]).backward()
        optimizer.step()
    metrics = {}
    for ratio in (-5.0, 20.0):
        with torch.no_grad():
            predictions = learner.eval().predict(own.inputs, {"snr_db": ratio})
        for name, task in tasks().items():
            counted = task.accumulator(True)
            counted.update(predictions[name], own.labels)
            metric = {"reconstruction": "psnr", "category": "accuracy"}[name]
            metrics[ratio, name] = counted.compute()[metric].value
    assert metrics[20.0, "category"] > 80
    assert metrics[20.0, "category"] > metrics[-5.0, "category"] + 10
    assert metrics[20.0, "reconstruction"] > metrics[-5.0, "reconstruction"] + 2


def test_the_ratio_of_a_picture_by_hand() -> None:
    task = Reconstruction(1)
    counted = task.accumulator(True)
    truth = torch.zeros(2, 1, 2, 2)
    prediction = torch.tensor([0.1, 0.01])[:, None, None, None].expand(2, 1, 2, 2)
    counted.update(prediction, {"picture": truth})
    found = counted.compute()
    assert found["psnr"].value == pytest.approx(30)
    assert found["mse"].value == pytest.approx((0.01 + 0.0001) / 2)


def test_a_range_that_falls_is_refused() -> None:
    with pytest.raises(ValueError, match=r"snr_from 20.0 is above snr_to 0.0"):
        ModelOptions(snr_from=20.0, snr_to=0.0)
