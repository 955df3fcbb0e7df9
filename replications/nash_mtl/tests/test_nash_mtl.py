"""Nash-MTL's replication: the network, the toy problem, the experiments of its claims."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from conftest import ROOT
from replications.core.data.labels import Array
from replications.core.spec import Plan, load_plan
from replications.nash_mtl import scale, solver, stepping, toy, variants
from replications.nash_mtl.model import build_model
from replications.nash_mtl.options import ModelOptions
from replications.nash_mtl.segnet import pool, unpool
from replications.nash_mtl.weighting.bargaining import bargain

CHANNELS = {"semseg": 11, "depth": 1, "normals": 3}
TASKS = list(CHANNELS)


def options(**changes: Any) -> ModelOptions:
    small = {"width": 4, "convolutions": [2, 2, 3], "stride": 2}
    return ModelOptions.model_validate(small | changes)


def images(n: int = 2) -> Tensor:
    return torch.randn(n, 3, 32, 64, generator=torch.Generator().manual_seed(1))


# The network


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31))
def test_unpooling_is_that_of_torch(seed: int) -> None:
    """Values and gradients, ties included."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(-2, 3, (2, 3, 6, 8), generator=generator).double().relu()
    weights = torch.randn(2, 3, 6, 8, generator=generator, dtype=torch.float64)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    found = unpool(*pool(ours))
    expected = F.max_unpool2d(*F.max_pool2d(theirs, 2, return_indices=True), [2, 2])
    assert torch.equal(found, expected)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    assert torch.equal(ours.grad, theirs.grad)


def test_unpooling_is_allowed_where_only_deterministic_operators_are() -> None:
    torch.set_deterministic_debug_mode("error")
    try:
        x = torch.randn(1, 2, 4, 4, requires_grad=True)
        unpool(*pool(x)).square().sum().backward()
    finally:
        torch.set_deterministic_debug_mode("default")


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_predictions_have_the_size_of_the_image(stride: int, attention: bool) -> None:
    model = build_model(CHANNELS, options(stride=stride, attention=attention), seed=0)
    shapes = {task: tuple(p.shape) for task, p in model(images()).items()}
    assert shapes == {task: (2, width, 32, 64) for task, width in CHANNELS.items()}


def test_the_full_study_has_the_papers_network() -> None:
    model = ModelOptions.model_validate(load_plan("nash_mtl", "full").settings.model)
    network = build_model({"semseg": 13}, model, seed=0)
    convolutions = [m for m in network.trunk.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 26  # SegNet: VGG16's 13 and their mirror
    assert [c.out_channels for c in convolutions[:5]] == [64, 128, 256, 512, 512]


@pytest.mark.parametrize("task", CHANNELS)
def test_single_and_multi_start_from_the_same_weights(task: str) -> None:
    joint = build_model(CHANNELS, options(), seed=3)
    single = build_model({task: CHANNELS[task]}, options(), seed=3)
    for mine, theirs in zip(single.shared_parameters(), joint.shared_parameters(), strict=True):
        assert torch.equal(mine, theirs)
    with torch.no_grad():
        assert torch.equal(single.eval()(images())[task], joint.eval()(images())[task])


def test_a_head_sees_every_stage_and_no_other_head() -> None:
    model = build_model(CHANNELS, options(), seed=0)
    features = tuple(f.detach().requires_grad_() for f in model.encode(images()))
    assert len(features) == 4 * 3
    model.decode(features, (32, 64), ["depth"])["depth"].square().sum().backward()
    assert all(f.grad is not None and f.grad.any() for f in features)
    for task in TASKS:
        trained = [p.grad is not None for p in model.task_parameters(task)]
        assert all(trained) if task == "depth" else not any(trained)


def test_masks_select_from_the_shared_features() -> None:
    """With every mask shut a head knows nothing of the image."""
    model = build_model({"depth": 1}, options(), seed=0).eval()
    head: Any = model.heads["depth"]
    for mask in [*head.encoder_masks, *head.decoder_masks]:
        norm = mask.layers[-2]
        torch.nn.init.zeros_(norm.weight)
        torch.nn.init.constant_(norm.bias, -1e3)
    with torch.no_grad():
        one, other = model(images(2))["depth"]
    assert torch.equal(one, other)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_first_convolution_sees_every_pixel(stride: int) -> None:
    model: Any = build_model({"depth": 1}, options(stride=stride), seed=0)
    image = images(1).requires_grad_()
    model.trunk.firsts[0][0](image).sum().backward()
    assert image.grad is not None
    assert image.grad.all()


def test_stages_are_as_wide_as_those_of_vgg16() -> None:
    assert options(width=64, convolutions=[2, 2, 3, 3, 3]).widths == [64, 128, 256, 512, 512]


# The toy problem


def toy_losses(theta: Tensor) -> Tensor:
    """(N, 2): the two losses, written with torch from the definition."""
    x, y = theta[:, 0], theta[:, 1]
    upper, lower = torch.tanh(y / 2).clamp(min=0), torch.tanh(-y / 2).clamp(min=0)
    valleys = (
        ((-x - 7) / 2 - torch.tanh(-y)).abs().clamp(min=5e-6).log() + 6,
        ((-x + 3) / 2 + torch.tanh(-y) + 2).abs().clamp(min=5e-6).log() + 6,
    )
    bowls = tuple(((x - c).square() + 0.1 * (-y - 8).square()) / 10 - 20 for c in (7, -7))
    pairs = zip(valleys, bowls, strict=True)
    return torch.stack([upper * valley + lower * bowl for valley, bowl in pairs], dim=1)


def test_toy_losses_and_gradients_are_those_of_autograd() -> None:
    points = np.random.default_rng(0).uniform(-10, 10, (300, 2))
    theta = torch.from_numpy(points).requires_grad_()
    expected = toy_losses(theta)
    losses, gradients = toy.losses_and_gradients(points)
    assert np.allclose(losses, expected.detach(), atol=1e-12)
    for task in (0, 1):
        (slope,) = torch.autograd.grad(expected[:, task].sum(), theta, retain_graph=True)
        assert np.allclose(gradients[:, task], slope, atol=1e-9)


def test_toy_losses_at_a_point_computed_by_hand() -> None:
    """At (7, -8) the first bowl is at its bottom, the second 14 away: 196 / 10 higher."""
    (losses,), _ = toy.losses_and_gradients(np.array([[7.0, -8.0]]))
    assert losses == pytest.approx(np.tanh(4) * np.array([-20.0, -0.4]))


def gradient_pairs() -> Array:
    generator = np.random.default_rng(1)
    lengths = 10 ** generator.uniform(-2, 2, (200, 2, 1))
    return generator.standard_normal((200, 2, 2)) * lengths


def test_nash_of_two_tasks_is_the_solution_of_the_solver() -> None:
    gradients = gradient_pairs()
    gram = torch.from_numpy(gradients @ gradients.swapaxes(1, 2))
    assert np.allclose(toy.nash(gradients), bargain(gram).alpha, rtol=1e-6)


def test_nash_stays_where_gradients_oppose_each_other() -> None:
    opposed = np.array([[[1.0, 2.0], [-3.0, -6.0]], [[0.0, 0.0], [1.0, 0.0]]])
    assert not toy.nash(opposed).any()


@pytest.mark.parametrize("method", ["mgda", "pcgrad", "cagrad"])
def test_directions_are_those_of_torchjd(method: str) -> None:
    aggregation: Any = pytest.importorskip("torchjd.aggregation")
    aggregator = {
        "mgda": lambda: aggregation.MGDA(epsilon=1e-6, max_iters=200),
        "pcgrad": aggregation.PCGrad,
        "cagrad": lambda: aggregation.CAGrad(c=0.4),
    }[method]()
    for pair in gradient_pairs()[:20]:
        ours = toy.METHODS[method](pair[None])[0] @ pair
        theirs = aggregator(torch.from_numpy(pair)).numpy()
        assert np.allclose(ours, theirs, atol=2e-3 * np.linalg.norm(theirs))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.floats(1e-3, 1e3))
def test_scaling_a_loss_leaves_nash_alone(seed: int, factor: float) -> None:
    pair = np.random.default_rng(seed).standard_normal((1, 2, 2))
    scaled = pair * np.array([factor, 1.0])[:, None]
    before, after = toy.nash(pair), toy.nash(scaled)
    assert np.allclose(before, after * [factor, 1.0], rtol=1e-6)


def test_the_front_has_no_point_that_another_improves_upon() -> None:
    front = toy.pareto_front(spacing=0.2)
    assert not toy.gap(front, front).any()
    worse = front + 0.5
    assert np.allclose(toy.gap(worse, front), 0.5)


def test_methods_start_where_they_should_and_nash_reaches_the_front() -> None:
    """From the two starts in the bowls, which are nearest."""
    table = toy.trajectories(steps=10_000, recorded=4)
    assert sorted(table["step"].unique()) == [0, 2500, 5000, 7500, 10_000]
    starts = table[table["step"] == 0].groupby("start")[["x", "y"]].first()
    assert np.allclose(starts, toy.STARTS)
    last = table[(table["step"] == 10_000) & (table["method"] == "nash")]
    ends = last[last["start"].isin([3, 4])][["loss_1", "loss_2"]].to_numpy()
    assert (toy.gap(ends, toy.pareto_front()) < 0.1).all()
    assert toy.moved(last, toy.pareto_front()) < 0.01


def test_numbers_of_the_toy_problem_count_ends_on_the_front() -> None:
    table = toy.trajectories(steps=10, recorded=1)
    on_front = toy.pareto_front()[3000]
    table.loc[table["method"] == "nash", ["loss_1", "loss_2"]] = on_front
    found = toy.numbers(table, reached=0.01)
    assert (found["nash_reached"], found["nash_missed"], found["trajectories"]) == (10, 0, 10)
    assert (found["equal_reached"], found["equal_missed"]) == (0, 10)
    assert found["nash_moved"] == 0


# The solvers


def nash_history(rows: int = 5) -> tuple[pd.DataFrame, list[Tensor]]:
    """A history as the run `nash` leaves it, and the Gram matrices it was made from."""
    generator = np.random.default_rng(0)
    grams = [solver.random_gram(3, 1.0, generator) for _ in range(rows)]
    history = []
    for gram in grams:
        found, lengths = bargain(gram), gram.diagonal().sqrt()
        row = {f"weight_{task}": float(a) for task, a in zip(TASKS, found.alpha, strict=True)}
        for i, j in ((0, 1), (0, 2), (1, 2)):
            cosine = gram[i, j] / (lengths[i] * lengths[j])
            row[f"cosine_{TASKS[i]}_{TASKS[j]}"] = float(cosine)
        history.append(row | {"solves": 5, "stationary_steps": 1, "worst_residual": 1e-12})
    return pd.DataFrame(history), grams


def test_gram_matrices_are_recovered_from_a_history() -> None:
    history, grams = nash_history()
    for found, expected in zip(solver.recorded_grams(history, TASKS, 9), grams, strict=True):
        assert torch.allclose(found, expected, rtol=1e-9)


def test_steps_without_a_solution_have_no_gram_matrix() -> None:
    history, grams = nash_history()
    history.loc[2, [f"weight_{task}" for task in TASKS]] = 0.0
    assert len(solver.recorded_grams(history, TASKS, 9)) == len(grams) - 1
    assert len(solver.recorded_grams(history, TASKS, 2)) == 2


def test_random_gradients_have_the_lengths_asked_for() -> None:
    gram = solver.random_gram(50, 2.0, np.random.default_rng(0))
    lengths = gram.diagonal().sqrt()
    assert (lengths >= 1e-2).all()
    assert (lengths <= 1e2).all()
    assert lengths.max() / lengths.min() > 1e3


def test_the_solvers_are_compared_on_random_and_recorded_matrices() -> None:
    history, _ = nash_history()
    settings_ = {"tasks": [2, 3], "decades": 0.5, "draws": 3, "published_draws": 1}
    rows = [
        *solver.on_random(settings_ | {"published_up_to": 2}),
        *solver.on_training(load_plan("nash_mtl", "micro"), [history, history], 2),
    ]
    table = pd.DataFrame(rows)
    counts = table.groupby(["matrices", "procedure", "tasks"]).size().to_dict()
    assert counts == {
        ("random", "exact", 2): 3,
        ("random", "exact", 3): 3,
        ("random", "published", 2): 1,
        ("training", "exact", 3): 4,
        ("training", "published", 3): 4,
    }
    assert table.loc[table["procedure"] == "exact", "residual"].max() < 1e-12
    found = solver.numbers(table, [history, history])
    assert (found["grams"], found["solves"], found["stationary"]) == (4, 10, 2)
    assert found["worst_residual"] == 1e-12
    assert found["exact_satisfied"] == 100


# The scale study and the variants


def run_folders(folder: Path, plan: Plan, alphas: Mapping[str, tuple[float, ...]]) -> None:
    """Histories and costs as the engine leaves them, of runs whose losses are 2, 3 and 4."""
    for run, alpha in alphas.items():
        own = folder / run / "0"
        own.mkdir(parents=True)
        row: dict[str, float] = {"step": 1}
        for task, weight, loss in zip(TASKS, alpha, (2.0, 3.0, 4.0), strict=True):
            row[f"weight_{task}"] = weight
            row[f"loss_{task}"] = loss
        pd.DataFrame([row]).to_csv(own / "history.csv", index=False)


@pytest.fixture
def plan() -> Plan:
    return load_plan("nash_mtl", "micro")


def test_scaling_a_loss_moves_all_weighted_losses_but_nash_mtls(plan: Plan) -> None:
    table = scale.changes(plan, {"depth": 10.0}, torch.device("cpu"))
    found = scale.numbers(table, ["equal", "uw"])
    assert found["equal_change"] == pytest.approx(9, rel=1e-4)
    assert found["others_change"] == found["equal_change"]
    assert found["nash_change"] < 1e-4
    # Equal weights scale the one loss, and leave the others as they are.
    of_equal = table[table["run"] == "equal"].set_index("task")["change"]
    assert of_equal[["semseg", "normals"]].max() == 0


def test_variants_save_part_of_what_nash_takes_longer(plan: Plan, tmp_path: Path) -> None:
    assert variants.variants(plan) == ["nash", "nash_features", "nash_every_10"]
    alphas = {"equal": (1.0, 1.0, 1.0), "nash": (1.0, 1.0, 2.0), "nash_every_10": (1.0, 2.0, 1.0)}
    run_folders(tmp_path, plan, alphas)
    seconds = {"equal": 0.1, "nash": 0.2, "nash_every_10": 0.12}
    found = variants.numbers(variants.comparison(plan, tmp_path, seconds))
    assert found == pytest.approx(
        {
            "nash_extra": 100,
            "nash_every_10_extra": 20,
            "nash_every_10_saved": 80,
            "nash_every_10_first": 25,
            "nash_every_10_mean": 25,
        }
    )


def test_a_step_is_timed_for_equal_weights_and_every_variant(plan: Plan) -> None:
    seconds = variants.seconds_per_step(plan, rounds=1, device=torch.device("cpu"))
    assert list(seconds) == ["equal", *variants.variants(plan)]
    assert all(0 < value < 10 for value in seconds.values())


def test_labels_of_timed_steps_are_as_the_tasks_expect_them(plan: Plan) -> None:
    batch = plan.settings.batch_size
    split = stepping.random_split(plan, torch.device("cpu"))
    labels = split.batch(torch.arange(batch)).labels
    assert labels["semseg"].max() < CHANNELS["semseg"]
    assert (labels["depth"] > 0).all()
    # Normals are stored to a 127th; a component is off by half of that at most.
    lengths = labels["normals"].norm(dim=1)
    assert torch.allclose(lengths, torch.ones(batch, 32, 64), rtol=0, atol=3**0.5 / 254)


def test_an_experiment_is_a_program_that_leaves_its_table_and_numbers(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "replications.nash_mtl.toy", "--study", "micro"]
    subprocess.run([*program, "--folder", str(tmp_path)], cwd=ROOT, check=True)
    assert len(pd.read_csv(tmp_path / "toy" / "table.csv")) == 5 * 10 * 11
    found = json.loads((tmp_path / "toy" / "numbers.json").read_text(encoding="utf-8"))
    assert found["trajectories"] == 10
