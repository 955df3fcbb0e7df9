"""Sentences: readers, ids, tagging, and the recurrent encoder against PyTorch's own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import rnn
from torch.utils.flop_counter import FlopCounterMode

from conftest import ROOT
from replications.core.data.peoples_daily import preparation as peoples_daily
from replications.core.data.peoples_daily.options import PeoplesDailyOptions
from replications.core.data.text.decoding import Sentences
from replications.core.data.text.ids import LETTERS, VOCABULARY
from replications.core.data.text.sentences import Sentence, encoded, letters_of, vocabulary
from replications.core.data.ud_english_ewt import preparation as ewt
from replications.core.data.ud_english_ewt.options import EWTOptions
from replications.core.errors import StudyError
from replications.core.nets.recurrent import LSTM, BiLSTM, Embeddings, stages
from replications.core.tasks.tagging.task import Tagging, common

SAMPLES = ROOT.parent / "shared" / "data" / "ud_english_ewt"
NEWS = "迈向/v  充满/v  希望/n  的/u  新/a  世纪/n  。/w  ”/w  一九九八年/t  新年/t\n"


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """Ten paragraphs of two sentences, each begun by its number; the last two are held out."""
    path = tmp_path / "199801.txt"
    path.write_text("".join(f"{n}/m {NEWS}" for n in "甲乙丙丁戊己庚辛壬癸"), encoding="utf-8")
    return path


def test_characters_know_their_place_in_a_word(news: Path) -> None:
    first, second = peoples_daily.sentences_of(peoples_daily.read_paragraphs(news)[0])
    assert "".join(first.words) == "甲迈向充满希望的新世纪。”"
    assert "".join(first.tags["seg"]) == "SBEBEBESSBESS"
    assert first.tags["pos"][-5:] == ("a", "n", "n", "w", "w")
    assert "".join(second.tags["seg"]) == "BMMMEBE"


def test_the_news_is_prepared(news: Path) -> None:
    options = PeoplesDailyOptions(sentences=(3, 1, 1), length=13)
    splits: dict[str, Any] = dict(peoples_daily.prepare(options, news).splits)
    # The second sentence of every paragraph is the same, so it trains and does not test.
    assert {n: own["words"].shape for n, own in splits.items()} == {
        "train": (3, 13, 1),
        "val": (1, 13, 1),
        "test": (1, 13, 1),
    }
    assert all((own["words"][0, :, 0] > 0).all() for own in splits.values())
    for own in splits.values():
        assert ((own["words"][..., 0] == 0) == (own["seg"] == 255)).all()
    with pytest.raises(StudyError, match="4 sentences for val; the People's Daily has 1 that are"):
        peoples_daily.prepare(PeoplesDailyOptions(sentences=(3, 4, 1), length=13), news)


def test_text_without_tags_is_refused(news: Path) -> None:
    news.write_text(NEWS + "迈向 充满\n", encoding="utf-8")
    with pytest.raises(StudyError, match="line 2: '迈向' is no word with its part of speech"):
        peoples_daily.read_paragraphs(news)


CONLLU = """# sent_id = reviews-1-0001
1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tdo\tdo\tAUX\tVBP\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_
3\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\t_
3.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t_\t_
4\tthere\tthere\tADV\tRB\t_\t3\tadvmod:lmod\t_\t_

"""


def test_words_that_are_several_or_not_there_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "some.conllu"
    path.write_text(CONLLU, encoding="utf-8")
    [sentence] = ewt.read_conllu(path)
    assert sentence.genre == "reviews"
    assert sentence.words == ("do", "n't", "go", "there")
    assert sentence.tags["deprel"] == ("aux", "advmod", "root", "advmod")
    assert sentence.tags["head"] == ("+2", "+1", "root", "-1")


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (CONLLU.replace("\tVBP\t", "\t"), "line 3: 9 fields, CoNLL-U has 10"),
        (CONLLU.replace("\t0\troot", "\tnone\troot"), "head 'none' is no number"),
    ],
)
def test_what_is_no_conllu_is_refused(tmp_path: Path, broken: str, why: str) -> None:
    path = tmp_path / "some.conllu"
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(StudyError, match=why):
        ewt.read_conllu(path)


def test_genuine_treebank() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("needs the sample of the English Web Treebank")
    whole = ewt.read_conllu(SAMPLES / "en_ewt-ud-train.conllu")
    assert (len(whole), sum(len(own.words) for own in whole)) == (12_544, 204_577)
    assert Counter(own.genre for own in whole)["reviews"] == 2_725
    options = EWTOptions(sentences=(1000, 100, 1000), length=24, genre="reviews")
    prepared = ewt.prepare(options, SAMPLES)
    tags = prepared.facts["tags"]
    assert {n: len(own) for n, own in tags.items()} == {
        "upos": 17,
        "xpos": 49,
        "deprel": 36,
        "head": 11,
    }
    splits: dict[str, Any] = dict(prepared.splits)
    assert splits["train"]["words"].shape == (1000, 24, 13)
    foreign = {name: own["foreign"].mean() for name, own in splits.items()}
    assert foreign["train"] == foreign["val"] == 0
    assert foreign["test"] == pytest.approx(1 - 535 / 2077, abs=0.05)
    assert len({row.tobytes() for row in splits["train"]["words"]}) == 1000
    assert splits["train"]["words"].max() < VOCABULARY
    assert splits["train"]["words"][..., 1:].max() < LETTERS


def test_ids() -> None:
    one = Sentence(("a", "b", "a"), {"pos": ("x", "y", "x")})
    words = vocabulary([one])
    assert words == {"a": 2}
    arrays = encoded([one], words, {"pos": ["x", "y"]}, length=4, letters=2)
    assert arrays["words"][0, :, 0].tolist() == [2, 1, 2, 0]
    assert arrays["pos"][0].tolist() == [0, 1, 0, 255]
    assert letters_of("!~é", 3) == [2, 95, 1]
    with pytest.raises(StudyError, match="has 3 words, 2 at most"):
        encoded([one], words, {}, length=2, letters=0)


def sentences(*lengths: int) -> Tensor:
    """Random ids of words of three letters."""
    ids = torch.randint(
        1, 90, (len(lengths), max(lengths), 4), generator=torch.Generator().manual_seed(0)
    )
    for row, length in enumerate(lengths):
        ids[row, length:] = 0
    return ids


def test_both_directions_are_those_of_pytorch() -> None:
    """On sentences of several lengths, packed there."""
    torch.manual_seed(0)
    ours, lengths = BiLSTM(8, 6), torch.tensor([7, 3, 5])
    theirs = nn.LSTM(8, 6, batch_first=True, bidirectional=True)
    for ending, part in (("", ours.ahead), ("_reverse", ours.back)):
        for name, own in part.named_parameters():
            getattr(theirs, f"{name}_l0{ending}").data = own.data
    maps = Embeddings(8)(sentences(7, 3, 5)).detach()
    packed = rnn.pack_padded_sequence(
        maps[:, :, 0].transpose(1, 2), lengths, batch_first=True, enforce_sorted=False
    )
    with torch.no_grad():
        expected, _ = rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
        found = ours(maps)[:, :, 0].transpose(1, 2)
    halves = [*range(3), *range(6, 9), *range(3, 6), *range(9, 12)]
    assert torch.allclose(found, expected[..., halves], atol=1e-6)


def test_what_stands_behind_a_sentence_changes_nothing() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(*stages(8)).eval()
    with torch.no_grad():
        alone, beside = network(sentences(4)), network(torch.cat([sentences(4), sentences(4)]))
        padded = network(nn.functional.pad(sentences(4), (0, 0, 0, 3)))
    assert torch.allclose(alone, beside[:1], atol=1e-6)
    assert torch.allclose(alone, padded[..., :4], atol=1e-6)
    assert not padded[..., 4:].any()


def test_weights_can_be_replaced_and_are_counted() -> None:
    network = LSTM(5, 3)
    x = torch.rand(2, 4, 5)
    silent = {name: torch.zeros_like(own) for name, own in network.named_parameters()}
    assert not functional_call(network, silent, (x,)).any()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(x)
    assert counter.get_total_flops() == 2 * 2 * 4 * (12 * 5 + 12 * 3)


def test_a_batch_is_as_long_as_its_longest_sentence() -> None:
    options = PeoplesDailyOptions(sentences=(1, 1, 1), length=9)
    padded = nn.functional.pad(sentences(3, 5), (0, 0, 0, 4))
    assert Sentences(options).input({"words": padded}).shape == (2, 5, 4)


SEG = ["B", "E", "M", "S"]


def logits(tags: list[list[int]]) -> Tensor:
    return nn.functional.one_hot(torch.tensor(tags), len(SEG)).float().transpose(1, 2)


def words_of(ends: list[bool]) -> list[list[int]]:
    """The positions of each word."""
    words: list[list[int]] = [[]]
    for position, end in enumerate(ends):
        words[-1].append(position)
        if end:
            words.append([])
    return words[:-1]


def test_words_in_common() -> None:
    """By hand: of |ab|c|de| and |a|bc|de| one word is the same; and as sets of words have it."""
    wanted = [[0, 1, 3, 0, 1]]
    found = [[3, 0, 1, 0, 1]]
    labels = {"seg": torch.tensor([wanted[0] + [255]], dtype=torch.uint8)}
    counted = Tagging("seg", SEG).accumulator(True)
    counted.update(logits(found), labels)
    metrics = counted.compute()
    assert metrics["accuracy"].value == 40
    assert metrics["word_f1"].value == pytest.approx(100 / 3)
    generator = np.random.RandomState(0)
    ends = torch.from_numpy(generator.rand(2, 8, 40) < 0.4)
    ends[..., -1] = True
    spans = [
        {(row, tuple(w)) for row, own in enumerate(part.tolist()) for w in words_of(own)}
        for part in ends
    ]
    expected = 2 * len(spans[0] & spans[1]) / (len(spans[0]) + len(spans[1]))
    total = int(ends.sum())
    assert 2 * common(ends[0], ends[1]) / total == pytest.approx(expected)


def test_genres_are_told_apart() -> None:
    labels = {"upos": torch.tensor([[0, 1, 255], [1, 1, 1]], dtype=torch.uint8)}
    labels["foreign"] = torch.tensor([False, True])
    counted = Tagging("upos", ["n", "v"], genres=True).accumulator(True)
    counted.update(nn.functional.one_hot(torch.tensor([[0, 0, 0], [1, 1, 0]])).float().mT, labels)
    found = {name: metric.value for name, metric in counted.compute().items()}
    expected = {"accuracy": 60, "accuracy_in": 50, "accuracy_out": 200 / 3}
    assert found == pytest.approx(expected)


def test_the_kernel_of_a_layer_makes_its_channels() -> None:
    """A channel whose rows are 0 does not feel the input."""
    torch.manual_seed(0)
    layer = BiLSTM(8, 4)
    for half in (layer.ahead, layer.back):
        half.get_parameter("weight_ih").data.unflatten(0, (4, 4))[:, 1] = 0
        half.get_parameter("weight_hh").data.zero_()
    silent = layer.kernel().abs().sum(dim=1) == 0
    maps = torch.rand(2, 2, 8, 1, 3)
    with torch.no_grad():
        same = torch.isclose(layer(maps[0]), layer(maps[1])).all(dim=(0, 2, 3))
    assert torch.equal(silent, same)
    assert silent.sum() == 2


def test_loss_and_metrics_pass_over_what_has_no_tag() -> None:
    task = Tagging("pos", ["n", "v"])
    labels = {"pos": torch.tensor([[0, 1, 255, 255], [1, 255, 255, 255]], dtype=torch.uint8)}
    prediction = torch.randn(2, 2, 2, generator=torch.Generator().manual_seed(0))
    chosen = [prediction[0, :, 0], prediction[0, :, 1], prediction[1, :, 0]]
    expected = nn.functional.cross_entropy(torch.stack(chosen), torch.tensor([0, 1, 1]))
    assert torch.allclose(task.loss(prediction, labels), expected)
    empty = {"pos": torch.full((2, 4), 255, dtype=torch.uint8)}
    assert task.loss(prediction, empty) == 0
    assert task.accumulator(True).compute() == {}
    shown = task.shown(prediction, labels)
    assert ((shown == 255) == (labels["pos"] == 255)).all()
