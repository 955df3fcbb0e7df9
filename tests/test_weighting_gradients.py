"""Per-task gradients and the weightings made of them, on a small model with several maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from replications.core.nets.shared_trunk import Features, SharedTrunk
from replications.core.weighting.bargaining import residual
from replications.core.weighting.nash import Nash, NashFeatures
from replications.core.weighting.task_gradients import TaskGradients, cuttable

TASKS = ("semseg", "depth", "normals")


class Trunk(nn.Module):
    """Two maps, the coarse one made from the fine one, and batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU())
        self.coarse = nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.fine(images)
        return fine, self.coarse(fine)


class Head(nn.Module):
    """A prediction from both maps, or from the fine one alone."""

    def __init__(self, coarse: bool) -> None:
        super().__init__()
        self.of_fine = nn.Conv2d(6, 2, 1)
        self.of_coarse = nn.Conv2d(8, 2, 1) if coarse else None

    def forward(self, features: tuple[Tensor, Tensor], size: tuple[int, int]) -> Tensor:
        result: Tensor = self.of_fine(features[0])
        if self.of_coarse is not None:
            coarse = self.of_coarse(features[1])
            result = result + coarse.repeat_interleave(2, -1).repeat_interleave(2, -2)
        return result


class SharedBehind(SharedTrunk):
    """A shared layer behind the representation, as MTAN has."""

    def __init__(self, seed: int) -> None:
        super().__init__(Trunk, {t: lambda: Head(coarse=True) for t in TASKS}, seed)
        self.behind = nn.Conv2d(2, 2, 1)

    def decode(
        self, features: Features, size: tuple[int, int], tasks: Iterable[str] | None = None
    ) -> dict[str, Tensor]:
        found = super().decode(features, size, tasks)
        return {task: self.behind(prediction) for task, prediction in found.items()}

    def shared_parameters(self) -> list[nn.Parameter]:
        return [*self.trunk.parameters(), *self.behind.parameters()]


def plain(seed: int = 0) -> SharedTrunk:
    heads = {task: (lambda task=task: Head(coarse=task != "depth")) for task in TASKS}
    return SharedTrunk(Trunk, heads, seed).to(memory_format=torch.channels_last)


MODELS: dict[str, Callable[[], SharedTrunk]] = {
    "plain": plain,
    "shared layer behind the cut": lambda: SharedBehind(0),
}


def forward(model: SharedTrunk, step: int = 0) -> tuple[dict[str, Tensor], Features]:
    """Losses of a batch that depends on `step` alone, and the features."""
    generator = torch.Generator().manual_seed(step)
    images = torch.randn(4, 3, 8, 8, generator=generator)
    features = cuttable(model.encode(images))
    predictions = model.decode(features, (8, 8))
    targets = torch.randn(3, 4, 2, 8, 8, generator=generator)
    scales = (1.0, 0.05, 20.0)
    losses = {
        task: scale * F.mse_loss(predictions[task], target + images[:, :2] * k)
        for k, (task, scale, target) in enumerate(zip(TASKS, scales, targets, strict=True))
    }
    return losses, features


def naive(model: SharedTrunk) -> list[dict[nn.Parameter, Tensor]]:
    """Each task's gradient of every parameter, by one whole backward pass each."""
    losses, _ = forward(model)
    parameters = list(model.parameters())
    found = []
    for loss in losses.values():
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        found.append(
            {
                p: torch.zeros_like(p) if g is None else g
                for p, g in zip(parameters, gradients, strict=True)
            }
        )
    return found


def combined(model: SharedTrunk, weights: Tensor) -> dict[nn.Parameter, Tensor]:
    found = naive(model)
    return {
        p: torch.stack([w * g[p] for w, g in zip(weights.float(), found, strict=True)]).sum(0)
        for p in model.parameters()
    }


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS.keys())
def test_task_gradients_are_those_of_a_whole_backward_per_task(
    build: Callable[[], SharedTrunk],
) -> None:
    model = build()
    expected = naive(model)
    losses, features = forward(model)
    gradients = TaskGradients(losses, features, model)
    matrix = gradients.at_parameters()
    assert set(gradients.shared) == set(model.shared_parameters())
    for row, found in zip(matrix, expected, strict=True):
        gradients.assign(row)
        for p in model.shared_parameters():
            assert p.grad is not None
            assert torch.allclose(p.grad, found[p], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("method", [Nash, NashFeatures])
def test_the_update_is_the_weighted_sum_of_the_tasks_gradients(
    build: Callable[[], SharedTrunk], method: type[Nash]
) -> None:
    """On the trunk and, as in the authors' code, on the heads."""
    model = build()
    losses, features = forward(model)
    weighting = method(TASKS, 1, None)
    record = weighting.backward(losses, features, model)
    weights = torch.stack([record[f"weight_{task}"] for task in TASKS])
    expected = combined(model, weights)
    for p in model.parameters():
        assert p.grad is not None
        assert torch.allclose(p.grad, expected[p], rtol=1e-4, atol=1e-5)


def test_nash_satisfies_its_equation_on_the_gradients_of_the_parameters() -> None:
    model = plain()
    rows = torch.stack(
        [torch.cat([g[p].flatten() for p in model.shared_parameters()]) for g in naive(model)]
    ).double()
    losses, features = forward(model)
    record = Nash(TASKS, 1, None).backward(losses, features, model)
    alpha = torch.stack([record[f"weight_{task}"] for task in TASKS])
    assert float(residual(rows @ rows.T, alpha)) < 1e-4  # float32 gradients of two passes
    assert float(record["residual"]) < 1e-12
    cosine = F.cosine_similarity(rows[0], rows[1], dim=0)
    assert float(record["cosine_semseg_depth"]) == pytest.approx(float(cosine), abs=1e-5)
    square = sum((p.grad**2).sum() for p in model.shared_parameters() if p.grad is not None)
    assert float(square) == pytest.approx(3, rel=1e-4)


def norm(model: SharedTrunk) -> float:
    gradients = [p.grad.flatten() for p in model.shared_parameters() if p.grad is not None]
    return float(torch.cat(gradients).norm())


@pytest.mark.parametrize("method", [Nash, NashFeatures])
def test_the_shared_gradient_is_clipped_and_the_heads_are_not(method: type[Nash]) -> None:
    model = plain()
    weighting = method(TASKS, 2, 0.5)
    for step in range(2):  # the second step re-uses alpha
        losses, features = forward(model, step)
        model.zero_grad()
        record = weighting.backward(losses, features, model)
        assert norm(model) == pytest.approx(0.5, rel=1e-4)
        assert int(record["solves"]) == 1
    (loss,) = torch.autograd.grad(
        forward(model, 1)[0]["depth"], [*model.task_parameters("depth")][:1]
    )
    assert torch.allclose(
        model.task_parameters("depth")[0].grad,  # type: ignore[arg-type]
        record["weight_depth"].float() * loss,
        rtol=1e-4,
        atol=1e-6,
    )
