"""Attention between blocks by hand and as graph attention is written, and what is sent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from replications.core.data.pictures.decoding import normalised
from replications.core.nets.channel import capacity
from replications.core.nets.shared_trunk import seeded
from replications.graph_attention_interblock.graph import Relation, Round
from replications.graph_attention_interblock.model import InterBlock, build_model
from replications.graph_attention_interblock.options import ModelOptions
from replications.graph_attention_interblock.webp import by_an_ideal_code, squeezed

CHANNELS = {"semseg": 11, "depth": 1, "normals": 3}
IMAGES = torch.rand(3, 3, 64, 128, generator=torch.Generator().manual_seed(0))


def network(*tasks: str, **own: Any) -> InterBlock:
    small = {"encoder": "thin", "width": 4, "head_channels": 8, "node_channels": 8}
    options = ModelOptions.model_validate(small | own)
    return build_model({name: CHANNELS[name] for name in tasks or CHANNELS}, options, 0)


def nodes() -> Tensor:
    return torch.randn(2, 4, 8, 3, 5, generator=torch.Generator().manual_seed(1))


def test_attention_as_graph_attention_is_written() -> None:
    """Velickovic et al., equation 3: one vector over both nodes' features, one after the other."""
    with seeded(0, "round"):
        own = Round(8, attentive=True)
    passed = own.passed(nodes().flatten(0, 1)).unflatten(0, (2, 4))
    found = own.weights(passed)
    assert own.taker is not None
    assert own.giver is not None
    vector = torch.cat([own.taker.weight[0], own.giver.weight[0]])
    means = passed.mean(dim=(3, 4))
    for i in range(4):
        scores = torch.stack([torch.cat([means[0, i], means[0, j]]) @ vector for j in range(4)])
        scores = torch.where(scores > 0, scores, 0.2 * scores)
        torch.testing.assert_close(found[0, i], scores.exp() / scores.exp().sum())
    expected = nodes()[0, 2] + sum(found[0, 2, j] * passed[0, j] for j in range(4)).relu()
    torch.testing.assert_close(own(nodes())[0, 2], expected)


def test_without_attention_all_give_alike() -> None:
    own = Round(8, attentive=False)
    assert own.weights(nodes()).unique().tolist() == [0.25]
    attentive, plain = (
        sum(p.numel() for p in Round(8, attentive=kind).parameters()) for kind in (True, False)
    )
    assert attentive - plain == 2 * 8


def test_a_relation_is_a_share_of_every_block() -> None:
    found = Relation(8, 4)(nodes())
    assert found.shape == (2, 4)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(2))


def test_what_is_sent_is_what_the_relation_says() -> None:
    learner = network().eval()
    with torch.no_grad():
        joined, weights = learner.joined(IMAGES)
        own = learner.blocks(IMAGES)
        for one in learner.rounds:
            own = one(own)
    depth = sum(weights[:, 1, n, None, None, None] * own[:, n] for n in range(4))
    torch.testing.assert_close(joined[:, 8:16], depth)


def test_the_last_block_alone_has_no_node_of_others() -> None:
    learner = network(joining="last").eval()
    with torch.no_grad():
        joined, weights = learner.joined(IMAGES)
        images = IMAGES
        for stage in learner.encoder:
            images = stage(images)
        own = learner.nodes[0](images)[:, None]
        for one in learner.rounds:
            own = one(own)
    torch.testing.assert_close(joined, own[:, 0].repeat(1, 3, 1, 1))
    assert weights.unique().tolist() == [1]
    sum(own.sum() for own in learner.predict(IMAGES).values()).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None for p in learner.parameters())
    assert not network(joining="uniform").learned()


def test_what_is_coded_apart_depends_on_the_ratio_alone() -> None:
    """Of the noise nothing reaches the network; the picture is coarser the worse the channel."""
    learner = network(coded="apart").eval()
    rows, columns = np.mgrid[:64, :128]
    waves = np.stack([rows * columns % 97, columns * 2, 255 - rows]).astype(np.uint8)
    images = normalised(torch.from_numpy(waves)[None])
    symbols = learner.symbols(images)
    assert symbols == 64 * 128 * 3 / 12
    errors = []
    for ratio in (0.0, 10.0, 20.0):
        found = by_an_ideal_code(images, torch.tensor([ratio]), symbols)
        most = int(symbols * capacity(ratio) / 8)
        own, size = squeezed(waves, most)
        assert size <= most
        torch.testing.assert_close(found, normalised(torch.from_numpy(own.copy())[None]))
        errors.append((found - images).square().mean().item())
    assert errors[0] > errors[1] > errors[2]
    with torch.no_grad():
        one, other = (learner.predict(images, {"snr_db": 10.0})["depth"] for _ in range(2))
        worse = learner.predict(images, {"snr_db": 0.0})["depth"]
    assert torch.equal(one, other)
    assert not torch.equal(one, worse)


def test_a_twelfth_of_the_picture_is_sent_with_unit_power() -> None:
    learner = network().eval()
    with torch.no_grad():
        sent = learner.sender(learner.joined(IMAGES)[0])
    symbols = sent[0].numel() // 2
    assert symbols == IMAGES[0].numel() / 12
    alone = network("depth").eval()
    with torch.no_grad():
        assert alone.sender(alone.joined(IMAGES)[0]).shape == sent.shape


@pytest.mark.parametrize("joining", ["attention", "relation", "uniform", "last"])
def test_encoders_start_alike_and_parameters_are_counted_once(joining: str) -> None:
    alone, joint = network("depth", joining=joining), network(joining=joining)
    for part in ("encoder", "nodes", "rounds", "receiver"):
        one, other = (getattr(learner, part).state_dict() for learner in (alone, joint))
        assert all(torch.equal(one[name], other[name]) for name in one)
    counted = [p for name in CHANNELS for p in joint.task_parameters(name)]
    counted += joint.shared_parameters()
    assert sorted(map(id, counted)) == sorted(id(p) for p in joint.parameters())
    with torch.no_grad():
        found = joint.eval().predict(IMAGES, {"snr_db": 0.0})
    assert {name: own.shape[1:] for name, own in found.items()} == {
        name: (channels, 64, 128) for name, channels in CHANNELS.items()
    }


def test_the_relation_is_remembered_in_training_alone() -> None:
    learner = network()
    learner.eval().arrived(IMAGES, torch.zeros(3))
    assert learner.learned()["relation"].unique().tolist() == [0.25]
    learner.train().arrived(IMAGES, torch.zeros(3))
    found = learner.learned()["relation"]
    assert found.unique().numel() > 1
    torch.testing.assert_close(found.sum(dim=1), torch.ones(3))


def test_pictures_are_squeezed_as_far_as_they_must_be() -> None:
    rows, columns = np.mgrid[:64, :128]
    smooth = np.stack([rows, columns, 255 - rows]).astype(np.uint8)
    sizes, errors = [], []
    for most in (5000, 300, 100, 50):
        found, size = squeezed(smooth, most)
        assert found.shape == smooth.shape
        assert size <= most
        sizes.append(size)
        errors.append(np.square(found.astype(float) - smooth).mean())
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)
    assert errors[0] < 5
    mean, size = squeezed(smooth, 3)
    assert size == 3
    assert len(np.unique(mean.reshape(3, -1), axis=1).T) == 1
