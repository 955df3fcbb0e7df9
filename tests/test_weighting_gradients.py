"""Per-task gradients and the weightings made of them, on a small model with several maps."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchjd.aggregation as torchjd
from torch import Tensor, nn

from replications.core.engine.phases import Stretch, optimizer_of
from replications.core.nets.learner import Features, cuttable
from replications.core.nets.shared_trunk import SharedTrunk
from replications.core.spec import Optimizer, Phase, Schedule, WeightingOptions
from replications.core.spec.options import chosen
from replications.core.weighting.base import Context, GradientError, Weighting
from replications.core.weighting.libmtl.options import LIBMTL_PARAMETERS
from replications.core.weighting.task_gradients import TaskGradients
from replications.nash_mtl.weighting.bargaining import residual
from replications.nash_mtl.weighting.nash import Nash, NashFeatures

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


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({"name": "nash"}, [3, 3]),
        ({"name": "nash", "update_every": 2}, [3, 1]),
        ({"name": "nash_features"}, [1, 1]),
        ({"name": "libmtl", "method": "PCGrad"}, [3, 3]),
        ({"name": "libmtl", "method": "GradDrop"}, [1, 1]),
        ({"name": "equal"}, [1, 1]),
    ],
)
def test_backward_passes_through_the_trunk(options: dict[str, Any], passes: list[int]) -> None:
    """One per task at most, and no weighted one after them."""
    run = Run(options)
    for expected in passes:
        found: list[int] = []
        losses, features = forward(run.model)
        node = features[0].grad_fn
        assert node is not None
        node.register_hook(lambda *_, found=found: found.append(1))
        run.model.zero_grad()
        run.weighting.backward(losses, features, run.model)
        assert len(found) == expected


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
    head = model.task_parameters("depth")[0]
    (gradient,) = torch.autograd.grad(forward(model, 1)[0]["depth"], [head])
    assert head.grad is not None
    expected = record["weight_depth"].float() * gradient
    assert torch.allclose(head.grad, expected, rtol=1e-4, atol=1e-6)


WEIGHTINGS: dict[str, dict[str, Any]] = {
    "equal": {"name": "equal"},
    "uncertainty": {"name": "uncertainty"},
    "scale_invariant": {"name": "scale_invariant"},
    "nash": {"name": "nash"},
    "nash, every third step": {"name": "nash", "update_every": 3},
    "nash_features": {"name": "nash_features"},
    "nash_published": {"name": "nash_published", "optim_niter": 3},
}
WEIGHTINGS |= {m: {"name": "libmtl", "method": m, "epoch": 2} for m in LIBMTL_PARAMETERS}
STEPS = 8


def build(options: dict[str, Any], tasks: Iterable[str] = TASKS) -> Weighting:
    checked = chosen(WeightingOptions, options)
    described: Any = {
        task: SimpleNamespace(likelihood="classification" if task == "semseg" else "regression")
        for task in tasks
    }
    context = Context(described, torch.device("cpu"), STEPS, epoch=4)
    weighting: Weighting = checked.load(checked.implementation)(checked, context)
    return weighting


class Run:
    """A small training as the engine conducts it."""

    def __init__(self, options: dict[str, Any]) -> None:
        torch.manual_seed(5)
        self.model, self.weighting = plain(1), build(options)
        optimizer = Optimizer(name="adam", lr=0.01)
        stretch = Stretch(Phase(), 0, 0, STEPS, optimizer, Schedule())
        self.optimizer = optimizer_of(self.model, stretch, self.weighting)
        self.history: list[dict[str, Tensor]] = []
        self.losses: list[dict[str, Tensor]] = []

    def train(self, first: int, last: int) -> None:
        for step in range(first, last):
            losses, features = forward(self.model, step)
            self.optimizer.zero_grad(set_to_none=True)
            self.history.append(self.weighting.backward(losses, features, self.model))
            self.losses.append({task: loss.detach() for task, loss in losses.items()})
            self.optimizer.step()

    def saved(self) -> bytes:
        parts = (self.model, self.weighting, self.optimizer)
        buffer = io.BytesIO()
        torch.save([*(p.state_dict() for p in parts), torch.get_rng_state()], buffer)
        return buffer.getvalue()

    def restore(self, saved: bytes) -> None:
        *states, rng = torch.load(io.BytesIO(saved), weights_only=True)
        parts: tuple[Any, ...] = (self.model, self.weighting, self.optimizer)
        for part, state in zip(parts, states, strict=True):
            part.load_state_dict(state)
        torch.set_rng_state(rng)


@pytest.mark.parametrize("options", WEIGHTINGS.values(), ids=WEIGHTINGS.keys())
def test_every_weighting_trains_and_resumes_bit_for_bit(options: dict[str, Any]) -> None:
    whole = Run(options)
    whole.train(0, STEPS)
    first, second = Run(options), Run(options)
    first.train(0, 5)
    saved = first.saved()
    torch.manual_seed(1234)  # another process has another state
    random.seed(77)
    second.restore(saved)
    second.train(5, STEPS)
    for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)
    for expected, found in zip(whole.history[5:], second.history, strict=True):
        assert expected.keys() == found.keys()
        assert all(expected[k].item() == found[k].item() for k in expected)
    assert all(f"weight_{task}" in whole.history[0] for task in TASKS)
    start = plain(1)
    moved = [
        not torch.equal(a, b)
        for a, b in zip(whole.model.parameters(), start.parameters(), strict=True)
    ]
    # A bias before batch normalisation has no gradient but rounding error; all else moves.
    assert sum(moved) >= len(moved) - 2


LINEAR = [m for m in LIBMTL_PARAMETERS if m != "GradDrop"]


@pytest.mark.parametrize("method", LINEAR)
def test_the_weights_a_libmtl_method_reports_are_those_of_its_update(method: str) -> None:
    run = Run({"name": "libmtl", "method": method, "epoch": 2})
    run.train(0, 5)  # the sixth step has past epochs and a state
    losses, features = forward(run.model)
    run.model.zero_grad()
    record = run.weighting.backward(losses, features, run.model)
    expected = combined(run.model, torch.stack([record[f"weight_{task}"] for task in TASKS]))
    for p in run.model.shared_parameters():
        assert p.grad is not None
        assert torch.allclose(p.grad, expected[p], rtol=1e-3, atol=1e-4)


def aggregated(method: str, gradients: Tensor) -> Tensor:
    """LibMTL's combination of (K, n) gradients, without a model."""
    tasks = [f"task{k}" for k in range(len(gradients))]
    point = torch.zeros(gradients.shape[1], requires_grad=True)
    losses = {task: g @ point for task, g in zip(tasks, gradients, strict=True)}
    parameters: dict[str, Any] = {"rescale": 0} if method == "CAGrad" else {}
    options = {"name": "libmtl", "method": method, "parameters": parameters}
    build(options, tasks).backward(losses, point, SimpleNamespace(shared_parameters=lambda: []))
    assert point.grad is not None
    return point.grad


@pytest.fixture
def in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks in a fixed order, for methods that shuffle them."""
    monkeypatch.setattr(random, "shuffle", lambda order: None)
    monkeypatch.setattr(torch, "randperm", torch.arange)


@pytest.mark.usefixtures("in_order")
@pytest.mark.parametrize("tasks", [2, 3, 6])
@pytest.mark.parametrize("unit", [1e-3, 1.0])
@pytest.mark.parametrize(
    ("method", "theirs", "tolerance"),
    [
        ("PCGrad", torchjd.PCGrad(), 1e-5),
        # The solvers of the inner problem stop at tolerances of their own; TorchJD returns 0 for
        # a mean gradient of small norm, by default 1e-4.
        ("CAGrad", torchjd.CAGrad(c=0.5, norm_eps=1e-9), 5e-3),
        # The library inverts D U^T, TorchJD the Gram matrix; both in float32.
        ("IMTL", torchjd.IMTLG(), 5e-3),
    ],
)
def test_torchjd_combines_the_same_gradients_alike(
    method: str, theirs: torchjd.Aggregator, tolerance: float, tasks: int, unit: float
) -> None:
    for seed in range(8):
        generator = torch.Generator().manual_seed(seed)
        gradients = unit * torch.randn(tasks, 30, generator=generator)
        expected = theirs(gradients)
        found = aggregated(method, gradients)
        assert float((found - expected).norm() / expected.norm()) < tolerance


@pytest.mark.parametrize("tasks", [2, 3])
def test_mgda_is_the_shortest_combination_as_in_torchjd(tasks: int) -> None:
    """Compared are lengths: near the minimum, combinations of like length differ in direction.

    With more tasks LibMTL's projected descent, which stops when its weights hardly change, and
    TorchJD's Frank-Wolfe steps both end some percent above the minimum.
    """
    mgda = torchjd.MGDA(epsilon=1e-6, max_iters=10_000)
    for seed in range(8):
        gradients = torch.randn(tasks, 30, generator=torch.Generator().manual_seed(seed))
        found, expected = aggregated("MGDA", gradients).norm(), mgda(gradients).norm()
        assert float(found) == pytest.approx(float(expected), rel=0.02)


def test_a_task_without_a_finite_gradient_is_named() -> None:
    for options in ({"name": "nash"}, {"name": "nash_features"}, WEIGHTINGS["PCGrad"]):
        run = Run(options)
        losses, features = forward(run.model)
        losses["depth"] = losses["depth"] * math.inf
        with pytest.raises(GradientError, match="the gradient of task 'depth' is not finite"):
            run.weighting.backward(losses, features, run.model)


@pytest.mark.parametrize("method", [Nash, NashFeatures])
def test_a_stationary_point_moves_the_heads_alone(method: type[Nash]) -> None:
    """A loss and its opposite: no direction improves both."""
    model = plain()
    losses, features = forward(model)
    losses["normals"] = -2 * losses["semseg"]
    weighting = method(TASKS, 1, 1.0)
    record = weighting.backward(losses, features, model)
    assert int(record["stationary_steps"]) == 1
    assert all(float(record[f"weight_{task}"]) == 0 for task in TASKS)
    assert all(p.grad is None for p in model.shared_parameters())
    (expected,) = torch.autograd.grad(
        forward(model)[0]["depth"], model.task_parameters("depth")[:1]
    )
    assert torch.allclose(model.task_parameters("depth")[0].grad, expected)  # type: ignore[arg-type]
    # The next step solves again, whatever update_every says.
    losses, features = forward(model, 1)
    record = weighting.backward(losses, features, model)
    assert int(record["solves"]) == 2
    assert int(record["stationary_steps"]) == 1
    assert float(record["weight_depth"]) > 0


def test_nash_follows_the_tasks_of_a_batch() -> None:
    """Tasks without a label in a batch are absent; those present bargain among themselves."""
    run = Run({"name": "nash", "update_every": 10})
    losses, features = forward(run.model)
    run.weighting.backward(losses, features, run.model)
    losses, features = forward(run.model, 1)
    del losses["semseg"]
    record = run.weighting.backward(losses, features, run.model)
    assert int(record["solves"]) == 2
    assert "weight_semseg" not in record
    assert float(record["residual"]) < 1e-10


def test_tasks_with_batches_of_their_own_have_gradients_of_their_own() -> None:
    """As with disjoint labels: the features are a map per task."""
    model = plain()
    parts = [forward(model, step) for step in range(3)]
    losses = {task: part[0][task] for task, part in zip(TASKS, parts, strict=True)}
    features = tuple(f for part in parts for f in part[1])
    rows = TaskGradients(losses, features, model).at_parameters()
    for step, (row, task) in enumerate(zip(rows, TASKS, strict=True)):
        own, maps = forward(model, step)
        alone = TaskGradients({task: own[task]}, maps, model).at_parameters()
        assert torch.allclose(row, alone[0], rtol=1e-4, atol=1e-5)


def test_a_parameter_on_both_sides_of_the_cut_is_refused() -> None:
    weight = nn.Parameter(torch.ones(3))
    features = (weight * 2).exp()
    losses = {"a": (features * weight).sum(), "b": features.sum()}
    with pytest.raises(ValueError, match="used both before and behind the shared"):
        TaskGradients(losses, features, SimpleNamespace(shared_parameters=lambda: [weight]))


def test_a_step_between_two_solves_is_the_weighted_sum_of_the_losses() -> None:
    run = Run({"name": "nash", "update_every": 5, "max_norm": None})
    for step in range(2):
        losses, features = forward(run.model, step)
        run.model.zero_grad()
        record = run.weighting.backward(losses, features, run.model)
    assert int(record["solves"]) == 1
    gradients = {p: p.grad for p in run.model.parameters()}
    losses, _ = forward(run.model, 1)
    run.model.zero_grad()
    sum(record[f"weight_{t}"].float() * loss for t, loss in losses.items()).backward()  # type: ignore[union-attr]
    for p, g in gradients.items():
        assert torch.allclose(g, p.grad, rtol=1e-4, atol=1e-5)  # type: ignore[arg-type]


def test_scale_invariant_and_nash_ignore_a_factor_on_a_loss() -> None:
    """The update stays and weight times loss stays (claim 2); equal weights move."""
    updates: dict[str, list[Tensor]] = {}
    for factor in (1.0, 10.0):
        for name in ("scale_invariant", "nash", "equal"):
            run = Run({"name": name})
            losses, features = forward(run.model)
            losses["depth"] = factor * losses["depth"]
            record = run.weighting.backward(losses, features, run.model)
            updates.setdefault(name, []).append(
                torch.cat([p.grad.flatten() for p in run.model.parameters()])  # type: ignore[union-attr]
            )
            updates.setdefault(f"{name}, weight", []).append(
                record["weight_depth"] * losses["depth"].detach()
            )
    for name, (first, second) in updates.items():
        same = torch.allclose(first, second, rtol=1e-3, atol=1e-5)
        assert same == (not name.startswith("equal")), name


def test_dwa_looks_at_the_mean_losses_of_past_epochs() -> None:
    """Equation of Liu et al. (2019): K softmax(L(t-1) / L(t-2) / T), with T = 2."""
    run = Run({"name": "libmtl", "method": "DWA", "epoch": 2})
    run.train(0, 5)
    means = torch.tensor([[float(loss[t]) for t in TASKS] for loss in run.losses])
    first, second = means[:2].mean(0), means[2:4].mean(0)
    expected = 3 * torch.softmax(second / first / 2, 0)
    found = torch.stack([run.history[4][f"weight_{task}"] for task in TASKS])
    assert torch.allclose(found, expected, rtol=1e-5)
    assert all(float(run.history[3][f"weight_{task}"]) == 1 for task in TASKS)


def test_an_unknown_parameter_of_a_method_is_refused() -> None:
    with pytest.raises(ValueError, match="CAGrad has no parameter c; it has: calpha, rescale"):
        build({"name": "libmtl", "method": "CAGrad", "parameters": {"c": 0.4}})


def test_long_gradients_in_conflict_are_bargained_in_float64() -> None:
    """Rounded sums of a million numbers do not reach the solution of nearly opposite gradients."""
    point = torch.zeros(2**20, requires_grad=True)
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 2**20, generator=generator)
    gradients = torch.stack([first, -first + 1e-2 * second])
    losses = {"a": gradients[0] @ point, "b": gradients[1] @ point}
    shared = SimpleNamespace(shared_parameters=lambda: [point])
    record = Nash(("a", "b"), 1, None).backward(losses, point, shared)
    alpha = torch.stack([record["weight_a"], record["weight_b"]])
    gram = gradients.double() @ gradients.double().T
    assert float(residual(gram, alpha)) < 1e-8
    assert float(record["residual"]) < 1e-8
