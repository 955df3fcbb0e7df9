"""ASTMT: what is a task's own, what the adversary sees, and how it is deceived."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from replications.astmt.adversary import Discriminator, reversed_from
from replications.astmt.model import ASTMT, build_model
from replications.astmt.options import ModelOptions
from replications.astmt.parts import Excitation
from replications.core.data.batches import Batch
from replications.core.nets.columns import Columns
from replications.core.nets.learner import Moment
from replications.core.nets.passes import PerTask
from replications.core.nets.registry.staged import PICTURES

CHANNELS = {"semseg": 5, "depth": 1}
BARE = {"excitation": False, "adapters": False, "norms": False, "adversary": 0.0}
IMAGES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))


def options(**own: object) -> ModelOptions:
    given = {"encoder": "thin", "width": 4, "head_channels": 8, "least": 2, "hidden": 8}
    return ModelOptions.model_validate(given | own)


def model(**own: object) -> ASTMT:
    return build_model(CHANNELS, options(**own), 0)


@pytest.mark.parametrize("parts", [BARE, BARE | {"adapters": True}, BARE | {"norms": True}])
def test_it_starts_as_hard_sharing(parts: dict[str, object]) -> None:
    """Without parts it stays so; adapters add nothing at first, and batch norms are alike."""
    found = model(**parts).eval().predict(IMAGES)
    hard = Columns(CHANNELS, options(), 0, common=4).eval().predict(IMAGES)
    assert all(torch.equal(found[task], hard[task]) for task in CHANNELS)


def test_parts_are_of_a_task_and_the_rest_of_all() -> None:
    learner = model()
    learner.predict(IMAGES)["depth"].sum().backward()
    assert all(p.grad is None for p in learner.task_parameters("semseg"))
    assert all(p.grad is not None for p in learner.task_parameters("depth"))
    assert all(p.grad is not None for p in learner.shared_parameters())
    parts = [learner.shared_parameters(), *(learner.task_parameters(t) for t in CHANNELS)]
    counted = [id(p) for part in parts for p in part]
    assert len(counted) == len(set(counted))
    assert set(counted) == {id(p) for p in learner.inference_parameters()}


def test_batch_norm_follows_its_own_task() -> None:
    learner = model()
    learner.features(IMAGES, "depth")
    seen = {
        name.rpartition(".parts.")[2].partition(".")[0]: int(count)
        for name, count in learner.trunk.named_buffers()
        if name.endswith("num_batches_tracked")
    }
    assert seen == {"depth": 1, "semseg": 0}


@pytest.mark.parametrize("name", PICTURES)
def test_parts_fit_every_encoder(name: str) -> None:
    kind = {"encoder": name, "stride": PICTURES[name].strides[0]}
    learner = model(**kind).eval()
    assert learner.predict(torch.rand(1, 3, 64, 64))["depth"].shape == (1, 1, 64, 64)
    of_blocks = [
        m
        for m in learner.trunk.modules()
        if isinstance(m, PerTask) and isinstance(m.parts["depth"], Excitation)
    ]
    assert len(of_blocks) == {"thin": 4, "resnet18": 8, "mobilenet_v2": 17}[name]


def test_excitation_is_equations_2_to_4() -> None:
    excitation = Excitation(6, 2)
    x = torch.randn(2, 6, 4, 5)
    z = x.flatten(2).mean(dim=2)
    first, second = excitation.squeeze, excitation.excite
    s = torch.sigmoid(
        (z @ first.weight.T + first.bias).clamp(min=0) @ second.weight.T + second.bias
    )
    torch.testing.assert_close(excitation(x), torch.einsum("bc,bchw->bchw", s, x))


class Error:
    """A task with a loss alone."""

    labels = frozenset({"depth"})

    def loss(self, prediction: Tensor, labels: dict[str, Tensor]) -> Tensor:
        return (prediction.mean(dim=1) - labels["depth"]).square().mean()


def test_the_adversary_sees_the_gradients_of_the_losses() -> None:
    learner = model()
    batch = Batch(IMAGES, {"depth": torch.rand(2, 32, 64)})
    tasks = dict.fromkeys(CHANNELS, Error())
    learner.losses(batch, tasks, Moment(5, 10, "train"))  # type: ignore[arg-type]
    assert set(learner.gradients) == set(CHANNELS)
    (loss,) = learner.penalties(Moment(5, 10, "train")).values()
    # Of two tasks it knows nothing of: the logarithm of 2.
    assert float(loss.detach()) == pytest.approx(0.69, rel=0.5)
    loss.backward()
    assert all(p.grad is not None for p in learner.discriminator.parameters())
    assert any(p.grad is not None and p.grad.any() for p in learner.trunk.parameters())


def test_gradients_count_by_direction_and_are_reversed_behind_it() -> None:
    discriminator = Discriminator(3, 8, 2)
    x = torch.randn(1, 3, 2, 2, requires_grad=True)
    torch.testing.assert_close(discriminator(7 * x), discriminator(x))
    (plain,) = torch.autograd.grad(discriminator(x).sum(), x)
    (turned,) = torch.autograd.grad(discriminator(reversed_from(x, 1.0)).sum(), x)
    torch.testing.assert_close(turned, -0.99990920 * plain)
    (none,) = torch.autograd.grad(discriminator(reversed_from(x, 0.0)).sum(), x)
    assert not none.any()


def test_one_task_has_no_adversary() -> None:
    learner = build_model({"depth": 1}, options(), 0)
    assert learner.penalties(Moment(0, 10, "train")) == {}
