"""Contrast by hand, views of a picture, what is frozen, and tasks that are added."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from replications.asynchronous.contrast.options import ContrastOptions
from replications.asynchronous.contrast.task import Contrast
from replications.asynchronous.model import Broadcast, build_model
from replications.asynchronous.options import ModelOptions
from replications.asynchronous.views import view
from replications.core.data.batches import Batch
from replications.core.nets.learner import Moment
from replications.core.tasks.category.task import Category
from replications.core.tasks.reconstruction.task import Reconstruction

CHANNELS = {"reconstruction": 1, "category": 10, "contrast": 16}
TASKS: dict[str, Any] = {
    "reconstruction": Reconstruction(1),
    "category": Category(10),
    "contrast": Contrast(ContrastOptions(features=16)),
}
MOMENT = Moment(0, 10, "train")


def network(*tasks: str, given: Broadcast | None = None) -> Broadcast:
    auxiliary = ["contrast"] if "contrast" in tasks else []
    options = ModelOptions(width=4, auxiliary=auxiliary)
    needs = None if given is None else {"given": given}
    return build_model({name: CHANNELS[name] for name in tasks}, options, 0, needs)


def pictures(count: int) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def batch(count: int) -> Batch:
    own = pictures(count)
    return Batch(own, {"picture": own, "category": torch.arange(count) % 10})


def test_contrast_by_hand() -> None:
    """Two pictures, whose views are alike and at right angles to those of the other."""
    task = Contrast(ContrastOptions(temperature=0.5))
    projections = torch.tensor([[2.0, 0], [0, 3], [1, 0], [0, 1]])
    # The twin has cosine 1, so 2 with the temperature, the two others 0.
    expected = -math.log(math.exp(2) / (math.exp(2) + 2))
    assert task.loss(projections, {}).item() == pytest.approx(expected)


def test_contrast_as_equation_1_sums_it() -> None:
    task = Contrast(ContrastOptions(temperature=0.2))
    projections = torch.randn(10, 6, generator=torch.Generator().manual_seed(0))
    total = 0.0
    for i in range(10):
        alike = {
            k: math.exp(F.cosine_similarity(projections[i], projections[k], dim=0).item() / 0.2)
            for k in range(10)
            if k != i
        }
        total -= math.log(alike[(i + 5) % 10] / sum(alike.values()))
    assert task.loss(projections, {}).item() == pytest.approx(total / 10, rel=1e-4)


def test_contrast_is_not_measured() -> None:
    with pytest.raises(NotImplementedError, match="a loss and no metric"):
        TASKS["contrast"].accumulator(True)


def test_views_differ_and_stay_pictures() -> None:
    torch.manual_seed(0)
    own = pictures(64)
    one, other = view(own), view(own)
    assert one.shape == own.shape
    assert not torch.equal(one, other)
    assert one.min() >= 0
    assert one.max() <= 1
    middle = torch.zeros(200, 1, 28, 28)
    middle[:, :, 12:16, 12:16] = 1
    seen = view(middle)
    # What is moved, by 2.8 pixels on average at most, turned and scaled is still there.
    assert (seen.flatten(1).sum(dim=1) > 3).all()
    assert 0.5 < seen.sum() / middle.sum() < 1.1


def test_views_change_by_a_share_of_what_is_usual() -> None:
    """The picture itself at 0; nearer to it the smaller the share."""
    own = pictures(64)
    assert torch.allclose(view(own, 0.0), own, atol=1e-5)
    torch.manual_seed(0)
    apart = [(view(own, share) - own).abs().mean().item() for share in (0.1, 0.5, 1.0)]
    assert 0 < apart[0] < apart[1] < apart[2]


def test_decoders_do_not_move_what_is_frozen() -> None:
    learner = network("reconstruction", "category", "contrast")
    learner.encoder.requires_grad_(False)
    tasks = {name: TASKS[name] for name in ("reconstruction", "category")}
    found = learner.losses(batch(8), tasks, MOMENT).by_task
    assert set(found) == set(tasks)
    torch.stack(list(found.values())).sum().backward()
    assert all(p.grad is None for p in learner.encoder.parameters())
    assert all(p.grad is not None for p in learner.heads.parameters())


def test_the_encoder_learns_from_contrast_alone() -> None:
    learner = network("reconstruction", "category", "contrast")
    found = learner.losses(batch(8), {"contrast": TASKS["contrast"]}, MOMENT).by_task
    assert set(found) == {"contrast"}
    found["contrast"].backward()
    assert all(p.grad is not None for p in learner.encoder.parameters())
    assert all(p.grad is None for p in learner.heads.parameters())


def test_what_is_sent_has_unit_power() -> None:
    learner = network("category")
    with torch.no_grad():
        arrived = learner.eval().arrived(pictures(500), torch.full((500,), 10.0))
    # Power 1 of the symbols, of two numbers each, and a tenth of it as noise.
    assert arrived.square().sum(dim=(1, 2, 3)).mean().item() / 49 == pytest.approx(1.1, abs=0.01)


def test_what_is_added_later_takes_over_what_is_there() -> None:
    first = network("category", "contrast")
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.add_(1)
    later = network("reconstruction", "category", given=first)
    assert torch.equal(later.encoder[0].weight, first.encoder[0].weight)  # type: ignore[arg-type]
    for name, value in first.heads["category"].state_dict().items():
        assert torch.equal(later.heads["category"].state_dict()[name], value)
    fresh = network("reconstruction", "category")
    for name, value in fresh.heads["reconstruction"].state_dict().items():
        assert torch.equal(later.heads["reconstruction"].state_dict()[name], value)
    assert not hasattr(later, "projector")


def test_prediction_needs_no_projector() -> None:
    learner = network("category", "contrast")
    own = set(map(id, learner.parameters())) - set(map(id, learner.inference_parameters()))
    assert own == set(map(id, learner.projector.parameters()))
    with torch.no_grad():
        assert set(learner.eval().predict(pictures(2), {"snr_db": 0.0})) == {"category"}
