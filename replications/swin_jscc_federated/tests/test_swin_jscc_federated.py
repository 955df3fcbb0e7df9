"""Averages of clients by hand, who has which pictures, and networks of one size."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from replications.core.data.batches import Batch
from replications.core.nets.learner import Moment
from replications.core.tasks.category.task import Category
from replications.core.tasks.reconstruction.task import Reconstruction
from replications.swin_jscc_federated.averaging import Average
from replications.swin_jscc_federated.model import Federated, build_model
from replications.swin_jscc_federated.options import ModelOptions

CHANNELS = {"reconstruction": 1, "category": 10}
TASKS: dict[str, Any] = {"reconstruction": Reconstruction(1), "category": Category(10)}


def network(*tasks: str, **own: Any) -> Federated:
    options = ModelOptions.model_validate({"width": 8, "convolution_width": 8} | own)
    return build_model({name: CHANNELS[name] for name in tasks or CHANNELS}, options, 0)


def pictures(count: int) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def test_averages_by_hand() -> None:
    """Every client begins where the round began; after the last all have the mean."""
    own = nn.Parameter(torch.tensor([1.0, 2.0]))
    average = Average([own], clients=2)
    own.data = torch.tensor([3.0, 2.0])
    average.ended([own], 0)
    assert own.tolist() == [1, 2]
    own.data = torch.tensor([5.0, 8.0])
    average.ended([own], 1)
    assert own.tolist() == [4, 5]
    assert average.begun.tolist() == [4, 5]
    assert average.total.tolist() == [0, 0]


def test_a_round_of_gradient_descent_is_a_step_on_the_mean_loss() -> None:
    """McMahan et al.: with one step a client, FedAvg is FedSGD."""
    targets = torch.tensor([[1.0, 0], [0, 3], [2, 2]])
    apart, together = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))
    average = Average([apart], clients=3)
    for client, target in enumerate(targets):
        (gradient,) = torch.autograd.grad((apart - target).square().sum(), apart)
        apart.data -= 0.1 * gradient
        average.ended([apart], client)
    (gradient,) = torch.autograd.grad((together - targets).square().sum(dim=1).mean(), together)
    assert torch.allclose(apart, together - 0.1 * gradient)


def test_a_client_learns_from_its_own_pictures_alone() -> None:
    learner, own = network("category", clients=5), pictures(20)
    labels = torch.arange(20) % 10
    tasks = {"category": TASKS["category"]}

    def loss(inputs: Tensor) -> float:
        torch.manual_seed(0)
        batch = Batch(inputs, {"category": labels})
        return learner.losses(batch, tasks, Moment(0, 10, "client3")).by_task["category"].item()

    assert learner.owned(labels, 3).nonzero().flatten().tolist() == [6, 7, 16, 17]
    before = loss(own)
    others, mine = own.clone(), own.clone()
    others[[0, 5, 8, 12]] = 0
    mine[6] = 0
    assert loss(others) == before
    assert loss(mine) != before
    without = torch.zeros(4, dtype=torch.int64)
    assert learner.owned(without, 3).tolist() == [True, False, False, False]


def test_the_learner_averages_when_the_last_client_ends() -> None:
    learner = network("category", clients=2)
    start = learner.heads["category"][-1].bias.detach().clone()  # type: ignore[index]
    for client, shift in enumerate((1.0, 3.0)):
        with torch.no_grad():
            learner.heads["category"][-1].bias.add_(shift)  # type: ignore[index]
        learner.finish(Moment(client, 10, f"client{client}"))
    assert torch.allclose(learner.heads["category"][-1].bias, start + 2)  # type: ignore[index]
    alone = network("category")
    assert alone.average is None


def test_a_client_that_learns_for_itself_keeps_what_it_has() -> None:
    """It is another one at every seed, and nothing is averaged when it ends."""
    labels = torch.arange(10)
    own = Batch(pictures(10), {"category": labels})
    owners = []
    for seed in (0, 3):
        learner = build_model({"category": 10}, ModelOptions(width=8, clients=5), seed)
        assert learner.alone == seed
        torch.manual_seed(0)
        learner.losses(own, {"category": TASKS["category"]}, Moment(0, 10, "client"))
        with torch.no_grad():
            for parameter in learner.parameters():
                parameter.add_(1)
        before = [p.detach().clone() for p in learner.parameters()]
        learner.finish(Moment(0, 10, "client"))
        assert all(map(torch.equal, before, learner.parameters()))
        owners.append(learner.owned(labels, learner.alone).nonzero().flatten().tolist())
    assert owners == [[0, 1], [6, 7]]


def test_clients_of_parts_have_what_their_phase_draws() -> None:
    learner = network("category", clients=5, split="parts")
    labels = torch.arange(20) % 10
    losses = []
    for phase in ("client0", "client3", "train"):
        torch.manual_seed(0)
        batch = Batch(pictures(20), {"category": labels})
        found = learner.losses(batch, {"category": TASKS["category"]}, Moment(0, 10, phase))
        losses.append(found.by_task["category"].item())
    assert losses[0] == losses[1] == losses[2]


def test_what_is_averaged_is_found_again() -> None:
    learner = network("category", clients=2)
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter.add_(1)
    learner.finish(Moment(0, 10, "client0"))
    again = network("category", clients=2)
    again.load_state_dict(learner.state_dict())
    assert again.average is not None
    assert learner.average is not None
    assert torch.equal(again.average.total, learner.average.total)


def test_both_kinds_have_as_many_parameters() -> None:
    for options in ({}, {"width": 32, "convolution_width": 68}):
        counts = []
        for kind in ("swin", "convolutions"):
            learner = network(**{"width": 16, "convolution_width": 36, "kind": kind} | options)
            counts.append(sum(p.numel() for p in learner.parameters()))
        assert counts[1] == pytest.approx(counts[0], rel=0.05)


@pytest.mark.parametrize("kind", ["swin", "convolutions"])
def test_networks_start_alike_and_parameters_are_counted_once(kind: str) -> None:
    alone, joint = network("category", kind=kind), network(kind=kind)
    for one, other in zip(alone.encoder.parameters(), joint.encoder.parameters(), strict=True):
        assert torch.equal(one, other)
    counted = [p for name in CHANNELS for p in joint.task_parameters(name)]
    counted += joint.shared_parameters()
    assert sorted(map(id, counted)) == sorted(id(p) for p in joint.parameters())
    with torch.no_grad():
        found = joint.eval().predict(pictures(3), {"snr_db": 0.0})
    assert found["reconstruction"].shape == (3, 1, 28, 28)
    assert found["category"].shape == (3, 10)


@pytest.mark.parametrize("kind", ["swin", "convolutions"])
def test_what_is_sent_has_unit_power(kind: str) -> None:
    learner = network("category", kind=kind)
    with torch.no_grad():
        arrived = learner.arrived(pictures(400), torch.full((400,), 10.0))
    assert arrived.square().sum(dim=(1, 2, 3)).mean().item() / 49 == pytest.approx(1.1, abs=0.01)
