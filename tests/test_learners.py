"""What the engine can train: phases, frozen parts, penalties, clients, coupled trunks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from replications.core.data.batches import USUAL, Batch, Condition, Decoding, Split
from replications.core.engine import checkpoint
from replications.core.engine.draws import draws, least_samples, pool
from replications.core.engine.evaluate import evaluate
from replications.core.engine.loop import Job, Training, train, update
from replications.core.engine.phases import part, stretches
from replications.core.errors import StudyError
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.shared_trunk import SharedTrunk, seeded
from replications.core.spec import Phase, Run, Settings
from replications.core.tasks.base import (
    Accumulator,
    Labels,
    Likelihood,
    Metric,
    Task,
    losses_of,
)
from replications.core.weighting.equal.weighting import Equal

CPU = torch.device("cpu")
SAMPLES = 48


class Plain(Decoding):
    """Feature vectors as they are."""

    inputs = ("features",)

    def input(self, arrays: Mapping[str, Tensor]) -> Tensor:
        return arrays["features"]


class Mean(Accumulator):
    """The mean squared error of a split."""

    state = ("found",)

    def __init__(self, task: Value) -> None:
        self.task, self.found = task, list[Tensor]()

    def update(self, prediction: Tensor, labels: Labels) -> None:
        self.found.append(self.task.loss(prediction, labels))

    def compute(self) -> dict[str, Metric]:
        return {"mse": Metric(torch.stack(self.found).mean().item(), "1", False)}


class Value:
    """A task: the number of its name."""

    channels = 1
    likelihood: Likelihood = "regression"

    def __init__(self, name: str) -> None:
        self.name, self.labels = name, frozenset({name})

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        return F.mse_loss(prediction[:, 0], labels[self.name])

    def accumulator(self, complete: bool) -> Accumulator:
        return Mean(self)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        return prediction[:, 0]

    def shown_truth(self, labels: Labels) -> Tensor:
        return labels[self.name]


class Head(nn.Linear):
    """A linear head, which does not care for a size."""

    def forward(self, features: Tensor, size: Any = None) -> Tensor:
        return super().forward(features)


def trunk() -> nn.Module:
    """A linear layer with batch normalisation."""
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def shared_trunk(tasks: tuple[str, ...] = ("a", "b")) -> SharedTrunk:
    heads = {task: lambda: Head(4, 1) for task in tasks}
    return SharedTrunk(trunk, heads, seed=0)


def split() -> Split:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(SAMPLES, 3, generator=generator)
    labels = {"a": features.sum(1), "b": features[:, 0] * 2}
    return Split({"features": features}, labels, CPU, Plain(None))


def settings(**changes: Any) -> Settings:
    base: dict[str, Any] = {
        "data": {"name": "streets", "size": [32, 64]},
        "steps": 12,
        "batch_size": 8,
        "optimizer": {"name": "adam", "lr": 0.05},
        "validations": 1,
        "checkpoint_every": 1,
        "tasks": {"semseg": {}},
    }
    return Settings.model_validate(base | changes)


def run(**changes: Any) -> Run:
    return Run.model_validate({"title": "", "tasks": ["a", "b"]} | changes)


def prepared(
    learner: Learner, own: Run, given: Settings, folder: Path, name: str = "c.pt"
) -> tuple[Job, Training]:
    tasks: dict[str, Task] = {task: Value(task) for task in own.tasks}
    data = split()
    torch.manual_seed(0)
    job = Job("test", tasks, {}, own, given, 0, CPU, data, data, folder / name, "fingerprint")
    return job, Training(learner, Equal(1.0), stretches(own, given))


def weights(learner: nn.Module, name: str) -> Tensor:
    return dict(learner.named_parameters())[name].detach().clone()


def test_one_phase_is_the_default() -> None:
    (only,) = stretches(run(), settings())
    assert (only.start, only.end, only.phase.name) == (0, 12, "train")
    assert only.optimizer.lr == 0.05


def test_phases_share_the_steps_exactly_over_all_rounds() -> None:
    own = run(phases=[{"name": "x", "share": 2}, {"name": "y"}], rounds=2)
    found = stretches(own, settings(steps=13))
    assert [(s.phase.name, s.round) for s in found] == [("x", 0), ("y", 0), ("x", 1), ("y", 1)]
    assert found[0].start == 0
    assert found[-1].end == 13
    assert all(a.end == b.start for a, b in itertools.pairwise(found))
    with pytest.raises(StudyError, match="3 steps are too few for 4 phases"):
        stretches(own, settings(steps=3))


def test_a_phase_has_its_own_tasks_optimiser_and_frozen_parts(tmp_path: Path) -> None:
    learner = shared_trunk()
    own = run(
        phases=[
            {"name": "heads", "tasks": ["a"], "frozen": ["trunk"]},
            {"name": "all", "optimizer": {"name": "sgd", "lr": 0.01}},
        ]
    )
    job, training = prepared(learner, own, settings(), tmp_path)
    trunk, head_a, head_b = (
        weights(learner, f"{name}.weight") for name in ("trunk.0", "heads.a", "heads.b")
    )
    running = learner.state_dict()["trunk.1.running_mean"].clone()
    for _ in range(6):
        update(job, training)
        training.done += 1
    assert torch.equal(weights(learner, "trunk.0.weight"), trunk)
    assert torch.equal(learner.state_dict()["trunk.1.running_mean"], running)
    assert torch.equal(weights(learner, "heads.b.weight"), head_b)
    assert not torch.equal(weights(learner, "heads.a.weight"), head_a)
    training.end()
    assert isinstance(training.optimizer, torch.optim.SGD)
    update(job, training)
    assert not torch.equal(weights(learner, "trunk.0.weight"), trunk)
    assert not torch.equal(weights(learner, "heads.b.weight"), head_b)


def test_rates_multiply_the_learning_rate_of_a_part(tmp_path: Path) -> None:
    learner = shared_trunk()
    own = run(phases=[{"rates": {"heads.a": 100.0}}])
    given = settings(optimizer={"name": "sgd", "lr": 0.001})
    job, training = prepared(learner, own, given, tmp_path)
    before = {name: weights(learner, f"heads.{name}.weight") for name in "ab"}
    update(job, training)
    for name, rate in (("a", 0.1), ("b", 0.001)):
        parameter = dict(learner.named_parameters())[f"heads.{name}.weight"]
        assert parameter.grad is not None
        moved = before[name] - parameter.detach()
        torch.testing.assert_close(moved, rate * parameter.grad)


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(StudyError, match="no part 'encoder' with parameters; it has: trunk, heads"):
        part(shared_trunk(), "encoder")


class Pruned(SharedTrunk):
    """Prunes half of the trunk's outputs after its first phase, and draws random numbers."""

    trunk: nn.Linear
    mask: Tensor

    def __init__(self) -> None:
        heads = {task: lambda: Head(4, 1) for task in "ab"}
        super().__init__(lambda: nn.Linear(3, 4), heads, seed=0)
        self.register_buffer("mask", torch.ones(4))
        self.seen: list[Moment] = []

    def encode(self, inputs: Any) -> Tensor:
        features: Tensor = self.trunk(inputs) * self.mask
        return features + 0.01 * torch.randn_like(features) if self.training else features

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        self.seen.append(moment)
        return super().losses(batch, tasks, moment)

    def penalties(self, moment: Moment) -> dict[str, Tensor]:
        return {"size": 0.1 * self.trunk.weight.square().sum()}

    def finish(self, moment: Moment) -> None:
        if moment.phase == "dense":
            self.mask[self.trunk.weight.norm(dim=1).argsort()[:2]] = 0


TWO = [{"name": "dense"}, {"name": "sparse", "optimizer": {"name": "sgd", "lr": 0.01}}]


FROZEN = [{"name": "dense"}, {"name": "sparse", "frozen": ["trunk"]}, {"name": "last"}]
LAST_FROZEN = [{"name": "dense"}, {"name": "sparse", "frozen": ["trunk"]}]


@pytest.mark.parametrize("phases", [TWO, FROZEN, LAST_FROZEN])
@pytest.mark.parametrize("killed_at", [1, 4, 5, 6, 7, 8, 9, 11, 12])
def test_killed_in_any_phase_it_resumes_to_identical_bits(
    killed_at: int, phases: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With gradients that are clipped, over all parameters, and parts that freeze and thaw."""
    own, given = run(phases=phases), settings(clip_grad_norm=0.5)
    whole = Pruned()
    job, training_whole = prepared(whole, own, given, tmp_path, "whole.pt")
    train(job, training_whole)

    class KilledError(Exception):
        pass

    def save(*arguments: Any) -> None:
        original(*arguments)
        if arguments[1]["done"] == killed_at:
            raise KilledError

    original = checkpoint.save
    job, training = prepared(Pruned(), own, given, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save", save)
        with pytest.raises(KilledError):
            train(job, training)
    resumed = Pruned()
    job, again = prepared(resumed, own, given, tmp_path)
    train(job, again)
    assert int(resumed.mask.sum()) == 2
    for name, values in whole.state_dict().items():
        assert torch.equal(values, resumed.state_dict()[name]), name
    assert again.history == training_whole.history
    assert len(again.history) == 12


class Taught(SharedTrunk):
    """Has its teacher inside, and freezes its own trunk after its first phase."""

    def __init__(self) -> None:
        super().__init__(trunk, {task: lambda: Head(4, 1) for task in "ab"}, seed=0)
        self.teacher = shared_trunk().eval().requires_grad_(False)

    def finish(self, moment: Moment) -> None:
        if moment.phase == "dense":
            self.trunk.requires_grad_(False)


@pytest.mark.parametrize("killed_at", [None, 8])
def test_what_the_learner_freezes_stays_frozen(
    killed_at: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = Taught()
    teacher = {name: value.clone() for name, value in learner.teacher.state_dict().items()}
    own = run(phases=[{"name": "dense", "frozen": ["trunk.0"]}, {"name": "sparse"}])
    job, training = prepared(learner, own, settings(), tmp_path)
    while training.done < 6:
        update(job, training)
        training.done += 1
    training.end()
    after = {name: value.clone() for name, value in learner.trunk.state_dict().items()}
    if killed_at:
        state = training.state("fingerprint")
        learner = Taught()
        job, training = prepared(learner, own, settings(), tmp_path)
        training.restore(state)
    while training.done < 12:
        update(job, training)
        training.done += 1
    for name, value in after.items():
        assert torch.equal(learner.trunk.state_dict()[name], value), name
    for name, value in teacher.items():
        assert torch.equal(learner.teacher.state_dict()[name], value), name


def test_a_phase_without_anything_to_train_is_refused(tmp_path: Path) -> None:
    own = run(phases=[{"frozen": ["trunk", "heads"]}])
    with pytest.raises(StudyError, match="phase 'train' freezes everything"):
        prepared(shared_trunk(), own, settings(), tmp_path)


def test_a_penalty_on_a_frozen_part_pulls_at_nothing(tmp_path: Path) -> None:
    job, training = prepared(Pruned(), run(phases=[{"frozen": ["trunk"]}]), settings(), tmp_path)
    assert "penalty_size" in update(job, training)


class Noisy(SharedTrunk):
    """Predicts under noise, as over a channel."""

    def predict(self, inputs: Any, condition: Condition = USUAL) -> dict[str, Tensor]:
        noise = condition.get("noise", 0.0) * torch.randn_like(inputs)
        return super().predict(inputs + noise)


def test_a_random_condition_depends_on_seed_and_condition_alone() -> None:
    heads = {task: lambda: Head(4, 1) for task in "ab"}
    learner, data = Noisy(trunk, heads, seed=0), split()
    tasks: dict[str, Task] = {task: Value(task) for task in "ab"}

    def measured(seed: int, noise: float) -> float:
        found = evaluate(learner, tasks, data, seed, condition={"noise": noise})
        return found["a"]["mse"].value

    before = torch.get_rng_state()
    first = measured(0, 0.5)
    measured(0, 0.25)
    assert measured(0, 0.5) == first
    assert measured(1, 0.5) != first
    assert torch.equal(torch.get_rng_state(), before), "what follows draws what it would have"


def test_the_learner_knows_step_phase_and_round(tmp_path: Path) -> None:
    learner = Pruned()
    job, training = prepared(learner, run(phases=TWO, rounds=2), settings(), tmp_path)
    train(job, training)
    assert [moment.step for moment in learner.seen] == [*range(12)]
    assert [(m.phase, m.round) for m in learner.seen[::3]] == [
        *[("dense", 0), ("sparse", 0)],
        *[("dense", 1), ("sparse", 1)],
    ]
    assert all("penalty_size" in row for row in training.history)


def test_a_penalty_adds_its_gradient_to_that_of_the_losses(tmp_path: Path) -> None:
    with_penalty, without = Pruned().eval(), Pruned().eval()
    without.penalties = lambda moment: {}  # type: ignore[method-assign]
    gradients = []
    for learner in (with_penalty, without):
        job, training = prepared(learner, run(), settings(), tmp_path)
        learner.eval()
        update(job, training)
        assert learner.trunk.weight.grad is not None
        gradients.append(learner.trunk.weight.grad)
    start = Pruned().trunk.weight.detach()
    torch.testing.assert_close(gradients[0] - gradients[1], 0.2 * start)


class Coupled(Learner):
    """A network per task, coupled by the squared distance of their trunks (soft sharing)."""

    def __init__(self, tasks: tuple[str, ...], strength: float, seed: int) -> None:
        super().__init__()
        self.strength = strength
        self.trunks, self.heads = nn.ModuleDict(), nn.ModuleDict()
        for task in tasks:
            with seeded(seed, "trunk"):
                self.trunks[task] = nn.Linear(3, 4)
            with seeded(seed, f"head/{task}"):
                self.heads[task] = Head(4, 1)

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        predictions = {t: [self.heads[t](self.trunks[t](batch.inputs))] for t in tasks}
        return Losses(losses_of(tasks, predictions, batch.labels))

    def predict(self, inputs: Any, condition: Condition = USUAL) -> dict[str, Tensor]:
        return {task: head(self.trunks[task](inputs)) for task, head in self.heads.items()}

    def penalties(self, moment: Moment) -> dict[str, Tensor]:
        if not self.strength:
            return {}
        first, *others = (p for name, p in self.trunks.named_parameters() if "weight" in name)
        distances = [(first - other).square().sum() for other in others]
        return {"distance": self.strength * torch.stack(distances).sum()}


def test_coupled_trunks_without_coupling_are_the_single_task_networks(tmp_path: Path) -> None:
    """Bit for bit: the same weights to begin with, the same batches, the same steps."""
    together = Coupled(("a", "b"), strength=0.0, seed=3)
    job, training = prepared(together, run(), settings(), tmp_path, "together.pt")
    train(job, training)
    for task in "ab":
        alone = Coupled((task,), strength=0.0, seed=3)
        job, training = prepared(alone, run(tasks=[task]), settings(), tmp_path, f"{task}.pt")
        train(job, training)
        for name, values in alone.state_dict().items():
            assert torch.equal(values, together.state_dict()[name]), name


def test_strongly_coupled_trunks_stay_together(tmp_path: Path) -> None:
    distance = []
    for strength in (0.0, 1000.0):
        learner = Coupled(("a", "b"), strength, seed=3)
        given = settings(optimizer={"name": "sgd", "lr": 0.0004}, steps=100)
        job, training = prepared(learner, run(), given, tmp_path, f"{strength}.pt")
        train(job, training)
        a, b = (weights(learner, f"trunks.{task}.weight") for task in "ab")
        distance.append(float((a - b).norm()))
    assert distance[1] < 0.05 * distance[0]


class Clients(Learner):
    """Federated averaging: a copy of the network per client, averaged after every round."""

    def __init__(self, count: int) -> None:
        super().__init__()
        with seeded(0, "trunk"):
            self.server = nn.Linear(3, 2)
        self.clients = nn.ModuleList()
        for _ in range(count):
            with seeded(0, "trunk"):
                self.clients.append(nn.Linear(3, 2))

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        own = self.clients[int(moment.phase.removeprefix("client_"))](batch.inputs)
        predictions = {task: [own[:, [k]]] for k, task in enumerate("ab") if task in tasks}
        return Losses(losses_of(tasks, predictions, batch.labels))

    def predict(self, inputs: Any, condition: Condition = USUAL) -> dict[str, Tensor]:
        found = self.server(inputs)
        return {"a": found[:, [0]], "b": found[:, [1]]}

    def finish(self, moment: Moment) -> None:
        if moment.phase == f"client_{len(self.clients) - 1}":
            for name, value in self.server.named_parameters():
                copies = [dict(client.named_parameters())[name] for client in self.clients]
                mean = torch.stack([copy.data for copy in copies]).mean(0)
                for parameter in (value, *copies):
                    parameter.copy_(mean)

    def inference_parameters(self) -> list[nn.Parameter]:
        return list(self.server.parameters())


def test_clients_train_on_their_parts_and_are_averaged(tmp_path: Path) -> None:
    phases = [{"name": f"client_{k}", "part": {"index": k, "of": 3}} for k in range(3)]
    own = run(phases=phases, rounds=20)
    given = settings(steps=300, optimizer={"name": "sgd", "lr": 0.1})
    learner = Clients(3)
    job, training = prepared(learner, own, given, tmp_path)
    train(job, training)
    for name, value in learner.server.named_parameters():
        for client in learner.clients:
            assert torch.equal(dict(client.named_parameters())[name], value)
    truth = torch.tensor([[1.0, 1.0, 1.0], [2.0, 0.0, 0.0]])
    torch.testing.assert_close(learner.server.weight.detach(), truth, rtol=0, atol=0.02)


def test_parts_and_fractions_of_the_samples_are_nested_and_disjoint() -> None:
    whole = Phase()
    thirds = [Phase.model_validate({"part": {"index": k, "of": 3}}) for k in range(3)]
    parts = [pool(settings(), phase, SAMPLES).tolist() for phase in thirds]
    assert sorted(itertools.chain(*parts)) == [*range(SAMPLES)]
    assert pool(settings(), whole, SAMPLES).tolist() == [*range(SAMPLES)]
    half = set(pool(settings(train_fraction=0.5), whole, SAMPLES).tolist())
    quarter = set(pool(settings(train_fraction=0.25), whole, SAMPLES).tolist())
    assert quarter < half
    assert (len(quarter), len(half)) == (12, 24)
    drawn = draws(run(), settings(train_fraction=0.25), whole, SAMPLES, seed=0, step=0)
    assert set(drawn[0].indices.tolist()) <= quarter


def test_disjoint_labels_respect_the_fraction() -> None:
    given = settings(train_fraction=0.5, batch_size=4, tasks={"semseg": {}, "depth": {}})
    own = run(tasks=["semseg", "depth"], labels="disjoint")
    first, second = draws(own, given, Phase(), SAMPLES, seed=0, step=0)
    allowed = set(pool(given, Phase(), SAMPLES).tolist())
    assert least_samples(own, given, SAMPLES) >= given.batch_size
    assert set(first.indices.tolist()) | set(second.indices.tolist()) <= allowed
    assert not set(first.indices.tolist()) & set(second.indices.tolist())
