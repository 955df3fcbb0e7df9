"""Texts beside pictures, attention, sets of things, and whose decoder it is."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import generalized_box_iou

from conftest import ROOT
from replications.core.errors import StudyError
from replications.core.nets.learner import Moment
from replications.core.tasks.scene.task import Scene
from replications.mask_rcnn.objects.options import ObjectsOptions
from replications.mask_rcnn.objects.task import Objects, Things
from replications.unit.attention import Attention, Block
from replications.unit.figures import taken_for
from replications.unit.model import THINGS, UniT, build_model
from replications.unit.options import ModelOptions
from replications.unit.scenes import texts
from replications.unit.scenes.decoding import Scenes
from replications.unit.scenes.options import ScenesOptions
from replications.unit.sets import giou, set_loss
from replications.unit.texts.task import Text

SAMPLES = ROOT.parent / "shared" / "data" / "korean_hate_speech"
CHANNELS = {THINGS: 1, "scene": 3, "sentiment": 2}


def test_a_review_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "neg.txt").write_text("差\n差\n两可\n坏\n", encoding="utf-8")
    (tmp_path / "pos.txt").write_text("好\n\n两可\n", encoding="utf-8")
    found = texts.read_reviews(tmp_path / "neg.txt", tmp_path / "pos.txt")
    assert [(own.text, own.classes["sentiment"]) for own in found] == [
        ("差", 0),
        ("坏", 0),
        ("好", 1),
    ]


def test_genuine_comments() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("needs the sample of Korean comments")
    train, held_out = (texts.read_comments(SAMPLES / f"{n}.tsv") for n in ("train", "dev"))
    assert (len(train), len(held_out)) == (7_896, 471)
    hate = np.bincount([own.classes["hate"] for own in train])
    assert hate.sum() == 7_896
    assert (hate > 1000).all()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("comments\tbias\n안녕\tnone\n", "it should have comments, bias, hate"),
        ("comments\tbias\thate\n안녕\tnone\tmuch\n", "line 2: 'much' is not in list"),
    ],
)
def test_other_comments_are_refused(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / "train.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=why):
        texts.read_comments(tmp_path / "train.tsv")


def test_texts_of_a_split_are_in_no_other() -> None:
    comments = [
        texts.Comment(chr(0x4E00 + i % 40) * (i + 1), {"sentiment": i % 2}) for i in range(40)
    ]
    splits = texts.split(comments, {"train": 16, "val": 8, "test": 16})
    assert len({own.text for part in splits.values() for own in part}) == 40
    arrays = texts.encoded(splits, each=4, length=6)
    assert arrays["val"]["text"].shape == (2, 4, 6)
    assert arrays["val"]["sentiment"].shape == (2, 4)
    with pytest.raises(StudyError, match="50 texts are asked for; there are 40"):
        texts.split(comments, {"train": 50})


def inputs(pictures: int = 2) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1, 90, (pictures, 3, 8), generator=generator)
    ids[:, 0, 5:] = 0
    return {"image": torch.randn(pictures, 3, 32, 64, generator=generator), "text": ids}


def test_mirrored_pictures_keep_their_texts() -> None:
    decoding = Scenes(ScenesOptions(size=(32, 64)))
    arrays = {
        "image": torch.randint(256, (6, 3, 4, 8), dtype=torch.uint8),
        "text": torch.ones(6, 2, 3, dtype=torch.int16),
    }
    maps = torch.arange(8).expand(6, 4, 8)
    answers = torch.arange(12).view(6, 2)
    from replications.core.data.batches import Batch

    batch = Batch(decoding.input(arrays), {"instances": maps, "sentiment": answers})
    turned = decoding.augmented(batch, seed=0, step=0)
    mirrored = (turned.labels["instances"][:, 0, 0] == 7).tolist()
    assert {True, False} == set(mirrored)
    for row, own in enumerate(mirrored):
        expected = batch.inputs["image"][row]
        assert torch.equal(turned.inputs["image"][row], expected.flip(-1) if own else expected)
    assert torch.equal(turned.labels["sentiment"], answers)


def test_attention_is_that_of_pytorch() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(8, 2), nn.MultiheadAttention(8, 2, batch_first=True)
    layers = (ours.query, ours.key, ours.value)
    theirs.in_proj_weight.data = torch.cat([layer.weight for layer in layers])
    theirs.in_proj_bias.data = torch.cat([layer.bias for layer in layers])
    theirs.out_proj.load_state_dict(ours.out.state_dict())
    x, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    hidden = torch.zeros(2, 5, dtype=torch.bool)
    hidden[0, 3:] = True
    expected, _ = theirs(x, memory, memory, key_padding_mask=hidden)
    assert torch.allclose(ours(x, memory, hidden), expected, atol=1e-6)


def test_a_block_is_that_of_pytorch() -> None:
    torch.manual_seed(0)
    ours = Block(8, 2, asks=True)
    theirs = nn.TransformerDecoderLayer(
        8, 2, dim_feedforward=16, dropout=0.0, norm_first=True, batch_first=True
    )
    assert ours.memory is not None
    assert ours.second is not None
    for own, other in ((ours.itself, theirs.self_attn), (ours.memory, theirs.multihead_attn)):
        layers = (own.query, own.key, own.value)
        other.in_proj_weight.data = torch.cat([layer.weight for layer in layers])
        other.in_proj_bias.data = torch.cat([layer.bias for layer in layers])
        other.out_proj.load_state_dict(own.out.state_dict())
    for own_part, other_part in (
        (ours.first, theirs.norm1),
        (ours.second, theirs.norm2),
        (ours.third, theirs.norm3),
        (ours.wide, theirs.linear1),
        (ours.narrow, theirs.linear2),
    ):
        other_part.load_state_dict(own_part.state_dict())
    x, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    assert torch.allclose(ours(x, memory), theirs(x, memory), atol=1e-6)


def boxes(count: int, seed: int) -> Tensor:
    low = 40 * torch.rand(count, 2, generator=torch.Generator().manual_seed(seed))
    size = 5 + 20 * torch.rand(count, 2, generator=torch.Generator().manual_seed(seed + 1))
    return torch.cat([low, low + size], dim=1)


def test_overlap_is_that_of_torchvision() -> None:
    one, other = boxes(4, 0), boxes(5, 2)
    assert torch.allclose(giou(one[:, None], other[None]), generalized_box_iou(one, other))


def test_of_all_assignments_the_cheapest_counts() -> None:
    classes = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0))
    found, truth = boxes(4, 4), boxes(2, 6)
    kinds = torch.tensor([1, 0])
    nothing = torch.zeros(2, dtype=torch.bool)
    things = Things(truth, kinds, torch.zeros(2, 1, 1, dtype=torch.bool), nothing)
    loss = set_loss(classes, found[None], [things], (64, 96))
    limits = torch.tensor([96.0, 64.0, 96.0, 64.0])
    candidates = []
    for chosen in itertools.permutations(range(4), 2):
        own = found[list(chosen)]
        distance = ((own - truth) / limits).abs().sum()
        overlap = generalized_box_iou(own, truth).diagonal()
        cost = 5 * distance - 2 * overlap.sum()
        cost = cost - classes[0].softmax(1)[list(chosen), kinds].sum()
        wanted = torch.full((4,), 2)
        wanted[list(chosen)] = kinds
        of_classes = nn.functional.cross_entropy(classes[0], wanted, torch.tensor([1.0, 1.0, 0.1]))
        candidates.append((cost.item(), of_classes + (5 * distance + 2 * (1 - overlap).sum()) / 2))
    assert torch.allclose(loss, min(candidates, key=lambda pair: pair[0])[1])


def network(*names: str, **own: Any) -> UniT:
    small: dict[str, Any] = {"encoder": "thin", "width": 4, "pretrained": False, "stride": 8}
    small |= {"dim": 8, "attention_heads": 2, "layers": 1, "queries": (2, 3), "length": 8}
    options = ModelOptions.model_validate(small | own)
    return build_model({name: CHANNELS[name] for name in names}, options, 0).eval()


def test_a_task_alone_starts_as_among_others() -> None:
    """The predictions of untrained networks are the same, with one decoder or with several."""
    together, apart = network(*CHANNELS), network(*CHANNELS, decoder="separate")
    with torch.no_grad():
        expected = together.predict(inputs())
        for name in CHANNELS:
            for other in (network(name), apart):
                assert torch.allclose(other.predict(inputs())[name], expected[name], atol=1e-5)
    parameters = [sum(p.numel() for p in own.parameters()) for own in (together, apart)]
    decoder = sum(p.numel() for p in together.decoders["all"].parameters())
    assert parameters[1] - parameters[0] == 2 * decoder


def test_every_parameter_is_of_all_or_of_one() -> None:
    for own in (network(*CHANNELS), network(*CHANNELS, decoder="separate")):
        counted = [p for name in CHANNELS for p in own.task_parameters(name)]
        counted += own.shared_parameters()
        assert sorted(map(id, counted)) == sorted(id(p) for p in own.parameters())


def test_predictions_have_the_form_of_their_tasks() -> None:
    with torch.no_grad():
        found = network(*CHANNELS, detections=4).predict(inputs())
    assert {name: tuple(values.shape) for name, values in found.items()} == {
        THINGS: (2, 4, 6),
        "scene": (2, 3),
        "sentiment": (2, 3, 2),
    }
    kept = found[THINGS][found[THINGS][..., 4] >= 0]
    assert (kept[:, :2] >= 0).all()
    assert (kept[:, 2] <= 64).all()


def test_what_stands_behind_a_text_changes_nothing() -> None:
    learner, given = network("sentiment"), inputs()
    longer = given | {"text": nn.functional.pad(given["text"][..., :5], (0, 3))}
    with torch.no_grad():
        short = learner.predict({"image": given["image"], "text": given["text"][..., :5]})
        assert torch.allclose(short["sentiment"], learner.predict(longer)["sentiment"], atol=1e-6)


def test_it_learns_what_it_is_shown() -> None:
    from replications.core.data.batches import Batch

    torch.manual_seed(0)
    learner = network(*CHANNELS).train()
    instances = torch.zeros(2, 32, 64, dtype=torch.int64)
    instances[0, 10:20, 30:50] = 1
    labels = {"instances": instances, "semseg": instances * 10, "scene": torch.tensor([0, 2])}
    labels["sentiment"] = torch.tensor([[0, 1, 1], [1, 0, 1]])
    tasks: dict[str, Any] = {
        THINGS: Objects(THINGS, ObjectsOptions(), (32, 64), [10]),
        "scene": Scene(3),
        "sentiment": Text("sentiment", ["no", "yes"]),
    }
    optimizer = torch.optim.Adam(learner.parameters(), lr=0.01)
    totals = []
    for step in range(40):
        optimizer.zero_grad()
        moment = Moment(step, 40, "train")
        found = learner.losses(Batch(inputs(), labels), tasks, moment).by_task
        assert list(found) == list(CHANNELS)
        total = torch.stack(list(found.values())).sum()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    assert np.mean(totals[-5:]) < 0.6 * np.mean(totals[:5])


def test_what_is_taken_for_what() -> None:
    truth, predicted = np.array([[0, 0], [1, 1]]), np.array([[0, 1], [1, 1]])
    found = taken_for(truth, predicted, 3)
    assert found[:2, :2].tolist() == [[0.5, 0.5], [0, 1]]
    assert np.isnan(found[2]).all()


def test_shares_of_texts() -> None:
    task = Text("hate", ["none", "offensive", "hate"])
    counted = task.accumulator(True)
    logits = nn.functional.one_hot(torch.tensor([[0, 0], [1, 2]]), 3).float()
    counted.update(logits, {"hate": torch.tensor([[0, 1], [1, 2]])})
    found = counted.compute()
    assert found["accuracy"].value == 75
    assert found["mean_accuracy"].value == pytest.approx(100 * (1 + 0.5 + 1) / 3)
    assert task.accumulator(True).compute() == {}
