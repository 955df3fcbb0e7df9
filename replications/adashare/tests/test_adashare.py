"""AdaShare: what a skipped block leaves, what is learned and drawn, what comes under the policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from replications.adashare import figures
from replications.adashare.blocks import Choice, selectable
from replications.adashare.model import AdaShare, build_model
from replications.adashare.options import ModelOptions
from replications.adashare.policy import difference, relaxed, sampled, shuffled, sparsity
from replications.core.data.batches import Batch
from replications.core.evidence.study import Results
from replications.core.nets.columns import Columns, encoder
from replications.core.nets.learner import Moment
from replications.core.nets.registry.staged import STAGED
from replications.core.spec import load_plan

CHANNELS = {"semseg": 5, "depth": 1}
IMAGES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(0))


def options(**own: object) -> ModelOptions:
    return ModelOptions.model_validate({"encoder": "thin", "width": 4, "head_channels": 8} | own)


def test_with_every_block_it_is_hard_sharing() -> None:
    found = build_model(CHANNELS, options(), 0).eval().predict(IMAGES)
    hard = Columns(CHANNELS, options(), 0, common=4).eval().predict(IMAGES)
    assert all(torch.equal(found[task], hard[task]) for task in CHANNELS)


@pytest.mark.parametrize(("name", "blocks"), [("thin", 4), ("resnet18", 8), ("mobilenet_v2", 10)])
def test_a_skipped_block_leaves_its_shortcut(name: str, blocks: int) -> None:
    """Half way between, a mixture of both ways."""
    choice = Choice()
    stages = encoder(options(encoder=name, stride=STAGED[name].strides[0]), 0).eval()
    assert selectable(stages, choice) == blocks

    def features(last: Tensor | bool) -> Tensor:
        choice.selection = [True] * (blocks - 1) + [last]
        x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
        for stage in stages:
            x = stage(x)
        return x

    on, off = features(True), features(False)
    assert on.shape == off.shape
    assert not torch.equal(on, off)
    if name != "mobilenet_v2":  # whose last block cannot be skipped, and comes behind
        torch.testing.assert_close(features(torch.tensor(0.25)), 0.25 * on + 0.75 * off)


LOGITS = torch.tensor([[[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [3.0, 0.0], [0.0, 0.0]]])


def test_penalties_are_equations_3_and_4() -> None:
    p = torch.sigmoid(LOGITS[..., 0] - LOGITS[..., 1])
    assert float(sparsity(LOGITS)) == pytest.approx(float(p.log().sum()), rel=1e-5)
    apart = (p[0] - p[1]).abs()
    expected = float(apart[0] + apart[1] * 2 / 3 + apart[2] / 3)
    assert float(difference(LOGITS)) == pytest.approx(expected, rel=1e-5)


def test_draws_have_the_probabilities_of_the_logits() -> None:
    torch.manual_seed(0)
    many = LOGITS.expand(4000, 2, 3, 2).reshape(-1, 3, 2)
    p = torch.sigmoid(LOGITS[..., 0] - LOGITS[..., 1])
    for draw in (sampled(many).float(), relaxed(many, 0.01)):
        torch.testing.assert_close(draw.view(4000, 2, 3).mean(dim=0), p, atol=0.03, rtol=0)
    hot = relaxed(many, 1e3)
    torch.testing.assert_close(hot, torch.full_like(hot, 0.5), atol=0.02, rtol=0)


def test_random_policies_have_as_many_blocks() -> None:
    policy = torch.tensor([[True, False, False], [True, True, False], [False, False, False]])
    torch.manual_seed(0)
    draws = [shuffled(policy) for _ in range(50)]
    assert all(torch.equal(draw.sum(dim=1), policy.sum(dim=1)) for draw in draws)
    assert len({str(draw.tolist()) for draw in draws}) == 9


def test_what_a_task_is_evaluated_with_is_of_its_own_blocks() -> None:
    """Once running statistics have settled, evaluation finds what training does."""
    learner = build_model(CHANNELS, options(), 0)
    learner.policy.copy_(torch.tensor([[True] * 4, [False, True, False, False]]))
    batch = Batch(IMAGES, {"depth": torch.rand(2, 32, 64)})
    tasks = dict.fromkeys(CHANNELS, Mean())
    moment = Moment(0, 10, "train")
    with torch.no_grad():
        for _ in range(60):
            trained = learner.train().losses(batch, tasks, moment).by_task  # type: ignore[arg-type]
        found = learner.eval().losses(batch, tasks, moment).by_task  # type: ignore[arg-type]
    for task in CHANNELS:
        assert float(found[task]) == pytest.approx(float(trained[task]), rel=0.05)


class Mean:
    """A task with a loss alone."""

    labels = frozenset({"depth"})

    def loss(self, prediction: Tensor, labels: dict[str, Tensor]) -> Tensor:
        return (prediction.mean(dim=1) - labels["depth"]).square().mean()


def taught(round_: int) -> set[tuple[str, int]]:
    """The blocks whose logits have a gradient in a round."""
    learner = build_model(CHANNELS, options(policy="learned", sharing=0.0), 0)
    moment = Moment(0, 10, "policy", round_, 5)
    batch = Batch(IMAGES, {"depth": torch.rand(2, 32, 64)})
    losses = learner.losses(batch, dict.fromkeys(CHANNELS, Mean()), moment)  # type: ignore[arg-type]
    torch.stack([*losses.by_task.values(), *learner.penalties(moment).values()]).sum().backward()
    grad = learner.logits.grad
    touched = torch.zeros(2, 4) if grad is None else grad.abs().sum(dim=-1)
    return {(t, b) for i, t in enumerate(CHANNELS) for b in range(4) if touched[i, b]}


def test_blocks_come_under_the_policy_one_round_after_the_other() -> None:
    for round_, blocks in {0: [3], 1: [2, 3], 3: [0, 1, 2, 3], 4: [0, 1, 2, 3]}.items():
        assert taught(round_) == {(task, block) for task in CHANNELS for block in blocks}


def test_all_blocks_come_under_the_policy_however_many_there_are() -> None:
    learner = build_model(CHANNELS, options(policy="learned"), 0)
    learner.blocks = 10
    counts = [learner._under(Moment(0, 10, "policy", round_, 5)) for round_ in range(5)]
    assert counts == [3, 5, 8, 10, 10]
    assert learner._under(Moment(0, 10, "weights", 0, 5)) == 0
    assert learner._under(Moment(0, 10, "weights", 4, 5)) == 10


def learned() -> AdaShare:
    """Depth skips the last two blocks and nobody needs the last; semantics may skip the first."""
    learner = build_model(CHANNELS, options(policy="learned"), 0)
    with torch.no_grad():
        learner.logits.copy_(
            torch.tensor(
                [[[0.1, 0], [9, -9], [9, -9], [-9, 9]], [[9, -9], [9, -9], [-9, 9], [-9, 9]]]
            )
        )
    learner.finish(Moment(9, 10, "policy", 4, 5))
    return learner


def test_the_policy_is_drawn_once_from_what_was_learned() -> None:
    found = build_model(CHANNELS, options(), 3, {"policy": learned()})
    assert found.policy[:, 1:].tolist() == [[True, True, False], [True, False, False]]
    again = build_model(CHANNELS, options(), 3, {"policy": learned()})
    assert torch.equal(again.policy, found.policy)
    first = [
        bool(build_model(CHANNELS, options(), s, {"policy": learned()}).policy[0, 0])
        for s in range(12)
    ]
    assert set(first) == {True, False}
    # The weights are those of the beginning.
    fresh = build_model(CHANNELS, options(), 3)
    assert all(
        torch.equal(p, q) for p, q in zip(found.parameters(), fresh.parameters(), strict=True)
    )


def test_blocks_that_nobody_selects_are_not_needed() -> None:
    found = build_model(CHANNELS, options(), 3, {"policy": learned()})
    last = encoder(options(), 3)[3]
    shortcut = sum(p.numel() for n, p in last.named_parameters() if n.startswith("shortcut"))
    saved = sum(p.numel() for p in last.parameters()) - shortcut
    whole = sum(p.numel() for p in found.parameters())
    assert sum(p.numel() for p in found.inference_parameters()) == whole - saved


def test_a_learned_policy_is_measured_at_its_most_probable() -> None:
    learner = learned()
    assert learner.policy.tolist() == [[True, True, True, False], [True, True, False, False]]
    other = build_model(CHANNELS, options(policy="learned"), 0)
    other.load_state_dict(learner.state_dict())
    found, expected = other.eval().predict(IMAGES), learner.eval().predict(IMAGES)
    assert torch.equal(found["depth"], expected["depth"])


def test_policies_are_drawn(learned: Callable[..., Results]) -> None:
    searching = build_model(CHANNELS, options(policy="learned"), 0)
    with torch.no_grad():
        searching.logits[1, 2] = torch.tensor([3.0, 0.0])
    probable = searching.learned()["policy"]
    assert probable[1, 2] == pytest.approx(1 / (1 + torch.tensor(-3.0).exp()))
    assert probable[0, 0] == 0.5
    assert build_model(CHANNELS, options(), 0).learned()["policy"].all()
    drawn = figures.policy(learned(load_plan("adashare", "cpu"), policy=torch.rand(4, 4)))
    assert len(drawn.axes) == 2
