"""Sluice networks: what is mixed, what heads see, what keeps subspaces apart, and special cases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from replications.core.evidence.study import Results
from replications.core.nets.columns import Columns
from replications.core.nets.learner import Moment
from replications.core.spec import load_plan
from replications.cross_stitch.model import build_model as stitched
from replications.cross_stitch.options import ModelOptions as StitchOptions
from replications.sluice import figures
from replications.sluice.mixing import Layers, Subspaces, overlap
from replications.sluice.model import Sluice, build_model
from replications.sluice.options import ModelOptions

CHANNELS = {"semseg": 5, "depth": 1}
IMAGES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))
THIN = {"encoder": "thin", "width": 4, "head_channels": 8}
NOW = Moment(0, 10, "train")


def model(**own: object) -> Sluice:
    return build_model(CHANNELS, ModelOptions.model_validate(THIN | own), 0)


def test_subspaces_are_mixed_by_equation_2() -> None:
    unit = Subspaces(3, 2, None)
    assert torch.equal(unit.alpha, torch.full((6, 6), 1 / 6))
    torch.nn.init.normal_(unit.alpha)
    features = [torch.randn(2, 4, 3, 3) for _ in range(3)]
    pieces = [half for x in features for half in (x[:, :2], x[:, 2:])]
    found = unit(features)
    for task in range(3):
        for part in range(2):
            row = unit.alpha[2 * task + part]
            expected = sum(row[j] * pieces[j] for j in range(6))
            torch.testing.assert_close(found[task][:, 2 * part : 2 * part + 2], expected)


def test_layers_are_mixed_at_the_size_of_the_last() -> None:
    layers = Layers([3, 4, 6], 0.9)
    assert layers.beta.tolist() == pytest.approx([0.05, 0.05, 0.9])
    features = [torch.randn(2, 3, 8, 16), torch.randn(2, 4, 4, 8), torch.randn(2, 6, 4, 8)]
    first, second = layers.project.children()
    pooled = features[0].reshape(2, 3, 4, 2, 8, 2).mean(dim=(3, 5))
    expected = 0.05 * first(pooled) + 0.05 * second(features[1]) + 0.9 * features[2]
    torch.testing.assert_close(layers(features), expected)


def test_the_penalty_is_that_of_what_both_halves_look_for() -> None:
    kernel = torch.randn(6, 2, 3, 3)
    one, other = kernel[:3].reshape(3, 18), kernel[3:].reshape(3, 18)
    expected = torch.linalg.matrix_norm(one @ other.T) ** 2
    torch.testing.assert_close(overlap(kernel), expected)
    apart = torch.zeros(2, 2, 1, 1)
    apart[0, 0] = apart[1, 1] = 1.0
    assert float(overlap(apart)) == 0


def test_every_stage_of_every_task_is_penalised() -> None:
    learner = model()
    learner.penalties(NOW)["orthogonality"].backward()
    touched = {
        (task, level)
        for task, column in learner.columns.items()
        for level, stage in enumerate(column.children())
        if any(p.grad is not None for p in stage.parameters())
    }
    assert touched == {(task, level) for task in CHANNELS for level in range(4)}
    assert model(subspaces=1).penalties(NOW) == {}
    assert model(orthogonality=0.0).penalties(NOW) == {}


def test_with_shut_sluices_it_is_the_single_task_networks() -> None:
    learner = model(own=1.0, last=1.0).eval()
    found = learner.predict(IMAGES)
    alone = Columns(CHANNELS, learner_options(), 0).eval().predict(IMAGES)
    for task in CHANNELS:
        torch.testing.assert_close(found[task], alone[task])


def learner_options() -> ModelOptions:
    return ModelOptions.model_validate(THIN)


def test_with_one_subspace_and_one_layer_it_is_a_cross_stitch_network() -> None:
    learner = model(subspaces=1, own=0.7, mixture=False).eval()
    other = stitched(CHANNELS, StitchOptions.model_validate(THIN | {"own": 0.7}), 0).eval()
    found, expected = learner.predict(IMAGES), other.predict(IMAGES)
    for task in CHANNELS:
        torch.testing.assert_close(found[task], expected[task])


@pytest.mark.parametrize("own", [0.9, None])
def test_encoders_come_apart(own: float | None) -> None:
    """In the paper's start they must not be the same: no gradient would ever tell them apart."""
    learner = model(own=own, orthogonality=0.0)
    optimizer = torch.optim.SGD(learner.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        predicted = learner.predict(IMAGES)
        (predicted["depth"].square().mean() + predicted["semseg"][:, 0].mean()).backward()
        optimizer.step()
    first, second = (next(iter(c.parameters())).detach() for c in learner.columns.values())
    assert float((first - second).abs().max()) > 1e-4
    with pytest.raises(ValueError, match="start alike"):
        ModelOptions(encoder="mobilenet_v2", pretrained=True, own=None)


def test_a_single_task_has_its_own_subspaces_and_stages_alone() -> None:
    def alone(**own: object) -> Sluice:
        return build_model({"depth": 1}, ModelOptions.model_validate(THIN | own), 0).eval()

    plain = Columns({"depth": 1}, learner_options(), 0).eval().predict(IMAGES)["depth"]
    without = alone(subspaces=1, mixture=False)
    assert torch.equal(without.predict(IMAGES)["depth"], plain)
    assert (without.penalties(NOW), without.learned()) == ({}, {})
    whole = alone()
    assert {n: tuple(v.shape) for n, v in whole.learned().items()} == {
        "alpha": (4, 2, 2),
        "beta": (1, 4),
    }
    assert float(whole.penalties(NOW)["orthogonality"]) > 0
    assert not torch.equal(whole.predict(IMAGES)["depth"], plain)


def test_parameters_belong_to_one_task_or_to_the_sluices() -> None:
    learner = model()
    parts = [learner.shared_parameters(), *(learner.task_parameters(t) for t in CHANNELS)]
    counted = [id(p) for part in parts for p in part]
    assert len(counted) == len(set(counted))
    assert set(counted) == {id(p) for p in learner.parameters()}


def test_what_is_shared_is_drawn(learned: Callable[..., Results]) -> None:
    found = model().learned()
    assert found["alpha"].shape == (4, 4, 4)
    assert found["beta"][0].tolist() == pytest.approx([0.1 / 3] * 3 + [0.9])
    assert model(subspaces=1, mixture=False).learned().keys() == {"alpha"}
    plan = load_plan("sluice", "cpu")
    drawn = figures.sharing(learned(plan, alpha=torch.rand(4, 8, 8), beta=torch.rand(4, 4)))
    assert len(drawn.axes) == 5
