"""Words sent as points: which modulation when, errors as theory has them, norms of each."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from replications.core.data.batches import Batch
from replications.core.nets.learner import Moment
from replications.core.nets.modulation import BITS, bit_error_rate
from replications.core.tasks.category.task import Category
from replications.core.tasks.reconstruction.task import Reconstruction
from replications.universal_jscc.codebook import Codebook
from replications.universal_jscc.model import UniversalJSCC, build_model, joined
from replications.universal_jscc.options import ModelOptions
from replications.universal_jscc.switched import SwitchedNorm, switched

CHANNELS = {"reconstruction": 1, "category": 10}
TASKS: dict[str, Any] = {"reconstruction": Reconstruction(1), "category": Category(10)}
MOMENT = Moment(0, 10, "train")


def network(*tasks: str, **own: Any) -> UniversalJSCC:
    options = ModelOptions.model_validate({"width": 4, "features": 4} | own)
    return build_model({name: CHANNELS[name] for name in tasks or CHANNELS}, options, 0)


def pictures(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def batch(count: int) -> Batch:
    own = pictures(count)
    return Batch(own, {"picture": own, "category": torch.arange(count) % 10})


def test_the_modulation_follows_the_ratio() -> None:
    ratios = torch.tensor([-5, 0, 4.9, 5, 13, 21, 40])
    learner = network()
    used = [learner.options.orders[order] for order in learner.orders(ratios).tolist()]
    assert used == ["bpsk", "bpsk", "bpsk", "qpsk", "qam16", "qam64", "qam256"]
    alone = network(orders=["qam16"], from_db=[10.0], to_db=16.0)
    assert alone.orders(ratios).tolist() == [0] * 7


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"from_db": [0.0, 5.0]}, "from_db has 2 ratios for 5 orders"),
        ({"from_db": [0.0, 5.0, 4.0, 16.0, 22.0]}, "do not rise"),
        ({"to_db": 20.0}, "do not rise"),
    ],
)
def test_ranges_that_do_not_fit_are_refused(own: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelOptions.model_validate(own)


@pytest.mark.parametrize("order", range(5))
def test_indices_arrive_as_theory_has_it(order: int) -> None:
    """Without noise all of them; else bits are wrong as often as in closed form."""
    learner = network()
    torch.manual_seed(0)
    own = learner.points[order]
    indices = torch.randint(2**own.bits, (400, 500))
    clean = learner.arrived(indices, torch.full((400,), 60.0), order)
    assert torch.equal(clean, indices)
    ratio = learner.options.from_db[order]
    found = learner.arrived(indices, torch.full((400,), ratio), order)
    wrong = (found ^ indices)[..., None] >> torch.arange(own.bits) & 1
    expected = bit_error_rate(learner.options.orders[order], ratio)
    assert wrong.float().mean().item() == pytest.approx(expected, rel=0.05)


def test_a_feature_becomes_its_nearest_word() -> None:
    learner = network()
    features = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(1))
    words = learner.words(learner.sent(features, 2), 2, features.shape)
    distance = (words - features).square().sum(dim=1)
    for word in learner.codebooks[2].words:  # type: ignore[union-attr]
        other = (word[None, :, None, None] - features).square().sum(dim=1)
        assert (distance <= other + 1e-5).all()


def test_every_modulation_has_norms_of_its_own() -> None:
    learner = network()
    norm = learner.encoder[0][1]  # type: ignore[index]
    assert isinstance(norm, SwitchedNorm)
    with switched(learner, 3):
        learner.train().encoder(pictures(8) + 1)
    means = [own.get_buffer("running_mean") for own in norm.norms]
    assert [bool(mean.any()) for mean in means] == [False, False, False, True, False]
    assert norm.active == 0
    shared = network(norms="shared").encoder[0][1]  # type: ignore[index]
    assert len(shared.norms) == 1


def test_shared_norms_know_the_pictures_of_all_modulations_at_once() -> None:
    pictures = torch.rand(10, 1, 28, 28)
    parts = dict(enumerate(pictures.tensor_split(5)))
    apart, shared = network().train(), network(norms="shared").train()
    together = joined(shared.each(shared.encoder, parts))
    # Normed over the whole batch, as the last layer is; and each part by itself.
    assert torch.allclose(together.mean(dim=(0, 2, 3)), torch.zeros(together.shape[1]), atol=1e-5)
    for part in apart.each(apart.encoder, parts).values():
        assert torch.allclose(part.mean(dim=(0, 2, 3)), torch.zeros(part.shape[1]), atol=1e-5)
    assert not torch.allclose(
        together[:2].mean(dim=(0, 2, 3)), torch.zeros(together.shape[1]), atol=1e-3
    )


def test_a_step_trains_all_modulations() -> None:
    learner = network()
    found = learner.losses(batch(20), TASKS, MOMENT)
    total = sum(found.by_task.values()) + sum(learner.penalties(MOMENT).values())
    total.backward()  # type: ignore[union-attr]
    fresh = network()
    for own, before in zip(learner.codebooks, fresh.codebooks, strict=True):
        assert not torch.equal(own.words, before.words)  # type: ignore[arg-type]
    first: Any = learner.encoder[0][0]  # type: ignore[index]
    assert first.weight.grad.any()


def test_gradients_pass_to_features_unchanged() -> None:
    """Van den Oord et al.: the gradient at the decoder's input is that of the encoder's output."""
    learner = network("reconstruction", commitment=0.0)
    taken: list[Tensor] = []
    learner.heads["reconstruction"].register_forward_pre_hook(lambda _, own: taken.append(own[0]))
    made: list[Tensor] = []
    learner.encoder.register_forward_hook(lambda *own: made.append(own[2]))
    loss = learner.losses(batch(20), {"reconstruction": TASKS["reconstruction"]}, MOMENT)
    for own in (*taken, *made):
        own.retain_grad()
    loss.by_task["reconstruction"].backward()
    for given, own in zip(taken, made, strict=True):
        assert not torch.allclose(given, own, atol=1e-3)
        assert torch.equal(given.grad, own.grad)  # type: ignore[arg-type]


def test_words_are_moving_averages_by_hand() -> None:
    """Two words of one number; what a word is not taken for does not move it."""
    own = Codebook(2, 1, kept=0.5)
    own.words.copy_(torch.tensor([[1.0], [5.0]]))
    own.total.copy_(0.5 * own.words)
    own.learn(torch.tensor([[[[2.0, 4.0]]]]), torch.tensor([[0, 0]]))
    # Taken for 0.5 / 2 + 2 / 2 features, of sum 0.5 / 2 + 6 / 2; the other for 0.25 of sum 1.25.
    assert own.words.flatten().tolist() == pytest.approx([3.25 / 1.25, 5.0])
    for _ in range(5000):
        own.learn(torch.tensor([[[[2.0]]]]), torch.tensor([[0]]))
    assert own.words.flatten().tolist() == pytest.approx([2.0, 5.0])


def test_pictures_of_several_ratios_are_told_as_each_by_itself() -> None:
    """What suits its ratio is used for each, and they come back in their order."""
    learner = network().eval()
    own, ratios = pictures(6), [23.0, 1.0, 40.0, 12.0, 1.0, 7.0]
    learner.arrived = lambda indices, snr_db, order: indices  # type: ignore[method-assign]
    apart = [
        learner.predict(own[k : k + 1], {"snr_db": ratio})["reconstruction"]
        for k, ratio in enumerate(ratios)
    ]
    learner.ratios = lambda *_: torch.tensor(ratios)  # type: ignore[method-assign]
    together = learner.predict(own)["reconstruction"]
    assert torch.allclose(together, torch.cat(apart), atol=1e-5)


def test_spread_ratios_are_those_of_training() -> None:
    torch.manual_seed(0)
    learner = network(orders=["qam64"], from_db=[16.0], to_db=22.0, spread=True)
    drawn = learner.ratios(pictures(1000), {})
    assert 16 <= drawn.min() < 16.1
    assert 21.9 < drawn.max() <= 22
    assert set(network(snr_db=3.0).ratios(pictures(2), {}).tolist()) == {3.0}


def test_transmitters_start_alike_and_parameters_are_counted_once() -> None:
    alone, joint = network("category"), network()
    assert torch.equal(next(alone.encoder.parameters()), next(joint.encoder.parameters()))
    counted = [p for name in CHANNELS for p in joint.task_parameters(name)]
    counted += joint.shared_parameters()
    assert sorted(map(id, counted)) == sorted(id(p) for p in joint.parameters())
    with torch.no_grad():
        found = joint.eval().predict(pictures(3), {"snr_db": 0.0})
    assert found["reconstruction"].shape == (3, 1, 28, 28)
    assert found["category"].shape == (3, 10)
    assert [BITS[order] for order in joint.options.orders] == joint.learned()["bits"].tolist()


def test_it_learns_to_recover() -> None:
    torch.manual_seed(0)
    learner, own = network("reconstruction", width=8), batch(40)
    tasks = {"reconstruction": TASKS["reconstruction"]}
    optimizer = torch.optim.Adam(learner.parameters(), lr=0.01)
    seen = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = learner.losses(own, tasks, MOMENT).by_task["reconstruction"]
        (loss + 0.1 * sum(learner.penalties(MOMENT).values())).backward()
        optimizer.step()
        seen.append(loss.item())
    assert sum(seen[-5:]) < 0.95 * sum(seen[:5])
