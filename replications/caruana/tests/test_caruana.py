"""People: their records, the questions about them, and the networks that answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from conftest import ROOT
from replications.caruana import amplification, poor_features
from replications.caruana.census import preparation
from replications.caruana.census.decoding import People
from replications.caruana.census.options import CensusOptions
from replications.caruana.experts import ALL, Experts
from replications.caruana.model import build_model
from replications.caruana.options import ModelOptions
from replications.caruana.people.task import Question, area_under_curve
from replications.core.data.fetch import fetch
from replications.core.data.records import read_record
from replications.core.errors import StudyError
from replications.core.weighting.libmtl.weighting import libmtl_class

CHANNELS = {"income": 1, "never_married": 1, "college": 1}


def row(**own: str) -> list[str]:
    """Answers of an adult, the columns `c7` and so on as given."""
    usual = ["Not in universe"] * preparation.COLUMNS
    for column in preparation.NUMBERS:
        usual[column] = "0"
    usual[preparation.EDUCATION] = "High school graduate"
    usual[preparation.INCOME] = "- 50000."
    for name, value in own.items():
        usual[int(name[1:])] = value
    return usual


def table(path: Path, rows: list[list[str]]) -> None:
    path.write_text("".join(", ".join(one) + "\n" for one in rows), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A miniature of the two files: six people train, four test, one of whom trains as well."""
    people = [row(c0=str(20 + age), c24=str(age), c5=str(age)) for age in range(5)]
    rich = row(c0="60", c4="Bachelors degree(BA AB BS)", c41="50000+.", c7="Never married")
    table(tmp_path / "train.csv", [*people, rich])
    child = row(c0="7", c4="Children", c7="Never married")
    stranger = row(c0="33", c1="Never heard of")
    twin = row(c0="20", c24="0", c5="0")
    alike = row(c0="20", c24="9", c5="0")  # but for how many people the answer counts
    table(tmp_path / "test.csv", [twin, child, stranger, alike])
    return tmp_path


def test_answers_leave_the_inputs(folder: Path) -> None:
    options = CensusOptions(people=(6, 1, 2))
    splits: dict[str, Any] = dict(preparation.prepare(options, folder).splits)
    assert {name: len(own["income"]) for name, own in splits.items()} == {
        "train": 6,
        "val": 1,
        "test": 2,
    }
    train = splits["train"]
    assert train["income"].sum() == train["college"].sum() == train["never_married"].sum() == 1
    assert train["adult"].all()
    assert train["never_married_shuffled"].sum() == 1
    assert np.allclose(train["numbers"].mean(axis=0), 0, atol=1e-6)
    # Of what remains of the training file, no column of categories has two values.
    assert (train["categories"] == train["categories"][0]).all()
    assert len(train["categories"][0]) == preparation.COLUMNS - 7 - 4


def test_who_trains_does_not_test(folder: Path) -> None:
    training, test = (preparation.read_table(folder / f"{n}.csv") for n in ("train", "test"))
    assert preparation.unseen(test, training)[0].tolist() == ["7", "33", "20"]


def test_a_category_that_training_has_not_seen_has_no_unit(folder: Path) -> None:
    options = CensusOptions(people=(6, 1, 2))
    splits: dict[str, Any] = dict(preparation.prepare(options, folder).splits)
    arrays = [{k: torch.tensor(v) for k, v in own.items()} for own in splits.values()]
    inputs = torch.cat([People(options).input(own) for own in arrays])
    columns = preparation.COLUMNS - 7 - 4
    units = inputs[:, :-7].sum(dim=1).tolist()
    assert sorted(units) == [columns - 1, *[columns] * 8]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([["1", "2"]], "2 columns; Census-Income has 42"),
        ([row(c41="much")], "income 'much'"),
    ],
)
def test_another_table_is_refused(folder: Path, rows: list[list[str]], why: str) -> None:
    table(folder / "train.csv", rows)
    with pytest.raises(StudyError, match=why):
        preparation.prepare(CensusOptions(people=(1, 1, 1)), folder)


def test_more_people_than_there_are(folder: Path) -> None:
    with pytest.raises(StudyError, match="9 people for train; Census-Income has 1 to 6"):
        preparation.prepare(CensusOptions(people=(9, 1, 1)), folder)


def test_the_genuine_records() -> None:
    """How many there are, and the correlations that Ma et al. (2018) report: .1768 and .2373."""
    record = read_record("census_income")
    try:
        fetch(record)
    except StudyError as error:
        pytest.skip(str(error))
    training = preparation.read_table(ROOT / "data/census_income/train.csv")
    test = preparation.read_table(ROOT / "data/census_income/test.csv")
    assert (len(training), len(test)) == (199_523, 99_762)
    assert len(test) - len(preparation.unseen(test, training)) == pytest.approx(
        0.029 * 99_762, rel=0.02
    )
    found = pd.DataFrame(preparation.answers(training)).astype(float)
    assert found["income"].mean() == pytest.approx(0.062, abs=5e-4)
    assert found["never_married"].mean() == pytest.approx(0.433, abs=5e-4)
    assert found["income"].corr(found["never_married"]) == pytest.approx(-0.178, abs=5e-4)
    assert found["never_married"].corr(found["college"]) == pytest.approx(-0.240, abs=5e-4)
    assert abs(found["never_married"].corr(found["never_married_shuffled"])) < 0.01
    units = sum(map(len, preparation.categories_of(training).values()))
    assert units + len(preparation.NUMBERS) == ModelOptions().inputs


def test_area_under_the_curve() -> None:
    """By hand: of two pairs one is in order and one tied; and as scikit-learn has it."""
    scores = torch.tensor([0.1, 0.5, 0.5])
    assert area_under_curve(scores, torch.tensor([False, False, True])) == 0.75
    assert area_under_curve(scores, torch.tensor([True, True, True])) is None
    generator = torch.Generator().manual_seed(0)
    many = torch.randint(20, (500,), generator=generator).float()
    positive = torch.rand(500, generator=generator) < 0.3
    expected = roc_auc_score(positive.numpy(), many.numpy())
    assert area_under_curve(many, positive) == pytest.approx(expected)


def test_a_question_collects_over_batches() -> None:
    task = Question("income")
    labels = {
        "income": torch.tensor([True, False, True, False]),
        "adult": torch.tensor([True, True, True, False]),
    }
    logits = torch.tensor([[2.0], [-1.0], [-3.0], [0.5]])
    whole = task.accumulator(True)
    parts = [task.accumulator(True), task.accumulator(True)]
    whole.update(logits, labels)
    for part, own in zip(parts, (slice(0, 1), slice(1, 4)), strict=True):
        part.update(logits[own], {name: values[own] for name, values in labels.items()})
    parts[0].merge(parts[1:])
    found = whole.compute()
    assert parts[0].compute() == found
    assert found["auc"].value == 50
    assert found["auc_adults"].value == 50
    assert found["log_loss"].value == pytest.approx(task.loss(logits, labels).item())


def experts(**own: int) -> Any:
    made = build_model(CHANNELS, ModelOptions.model_validate({"inputs": 12, "hidden": 5} | own), 0)
    assert isinstance(made, Experts)
    return made.eval()


INPUTS = torch.rand(6, 12, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("kind", "own"), [("MMoE", {"shared": 3}), ("CGC", {"shared": 2, "own": 1})]
)
def test_experts_are_those_of_libmtl(kind: str, own: dict[str, int]) -> None:
    ours = experts(**own)
    libmtl_class("EW")  # supplies what the library imports
    from LibMTL import architecture

    [layer] = ours.layers
    made = iter([*layer.shared, *(e for task in CHANNELS for e in layer.own[task].children())])
    theirs: Any = getattr(architecture, kind)(
        list(CHANNELS),
        lambda: next(made),
        nn.ModuleDict({task: nn.Identity() for task in CHANNELS}),
        rep_grad=False,
        multi_input=False,
        device=torch.device("cpu"),
        img_size=[12],
        num_experts=[own["shared"], *[1] * len(CHANNELS)],
    ).eval()
    for task in CHANNELS:
        gate = theirs.gate_specific[task][0]
        gate.weight.data = layer.gates[task].weight.data
        gate.bias.data.zero_()  # the papers' gates have none
    with torch.no_grad():
        expected, found = theirs(INPUTS), layer(dict.fromkeys([*CHANNELS, ALL], INPUTS))
    for task in CHANNELS:
        assert torch.allclose(found[task], expected[task], atol=1e-6)


def test_two_layers_as_tang_et_al_write_them() -> None:
    """Equations 1 to 6, sample by sample."""
    ours = experts(shared=2, own=1, levels=2)
    first, second = ours.layers
    with torch.no_grad():
        for x, expected in zip(INPUTS, ours.predict(INPUTS)["college"], strict=True):
            shared = [e(x) for e in first.shared]
            own = {task: first.own[task][0](x) for task in CHANNELS}
            gate = first.gates["college"].weight @ x
            weights = gate.exp() / gate.exp().sum()
            mixed = weights[0] * shared[0] + weights[1] * shared[1] + weights[2] * own["college"]
            every = torch.stack([*shared, *own.values()])
            common = (first.gates[ALL].weight @ x).softmax(0) @ every
            later = [e(common) for e in second.shared] + [second.own["college"][0](mixed)]
            out = (second.gates["college"].weight @ mixed).softmax(0) @ torch.stack(later)
            assert torch.allclose(ours.heads["college"](out, (0, 0)), expected, atol=1e-6)


def test_experts_start_where_single_task_networks_do() -> None:
    single = build_model({"income": 1}, ModelOptions(inputs=12, hidden=5), 0)
    ours = experts(shared=2, own=1)
    start = next(single.parameters())
    assert torch.equal(next(ours.layers[0].shared[0].parameters()), start)
    assert not torch.equal(next(ours.layers[0].shared[1].parameters()), start)
    counted = {id(p) for p in ours.shared_parameters()}
    for task in CHANNELS:
        counted |= {id(p) for p in ours.task_parameters(task)}
    assert counted == {id(p) for p in ours.parameters()}


def test_codes_hold_what_the_functions_are_of() -> None:
    cases = poor_features.draw(2, 30, "binary", torch.Generator().manual_seed(0))
    levels = 2.0 ** torch.arange(10, dtype=torch.float64)
    a, b = (10 * (part @ levels) / 1023 - 5 for part in cases.codes.split(10, dim=2))
    assert torch.allclose(cases.f1[..., 0], 1 / (1 + torch.exp(-(a + b))))
    assert torch.allclose(cases.f2[..., 0], 1 / (1 + torch.exp(-(a - b))))


def test_the_three_ways_start_alike_where_they_can() -> None:
    plain, fed, asked = (
        poor_features.initial(2, *sizes, hidden=3, seed=0) for sizes in ((20, 1), (21, 1), (20, 2))
    )
    assert torch.equal(fed[0][:, :20], plain[0])
    assert torch.equal(asked[0], plain[0])
    assert torch.equal(asked[2][..., :1], plain[2])


def test_a_curve_moved_by_a_factor_of_two_is_found_out() -> None:
    at = np.array([0.0625, 0.125, 0.25, 0.5, 1.0])
    single = np.log2(at)[None] + np.array([[0.0], [0.1]])
    for up, factor in ((1, 2), (-0.5, 2**-0.5)):
        found = amplification.amplification(single, single + up, at)
        assert found["shift"][1:4].tolist() == pytest.approx([factor] * 3)
        assert found["shift"].isna().tolist() == [True, False, False, False, True]
        numbers = amplification.numbers(found)
        assert numbers["shift"] == pytest.approx(factor)
        assert numbers["low"] <= factor <= numbers["high"]


def test_a_shift_beyond_what_was_measured_is_as_much_as_is_known_of_it() -> None:
    at = np.array([0.25, 0.5, 1.0])
    rising = np.log2(at)[None] + np.zeros((3, 1))
    above = amplification.amplification(rising, rising + 5, at)
    assert amplification.numbers(above) == {"shift": 2.0, "low": 2.0}
    below = amplification.amplification(rising, rising - 5, at)
    assert amplification.numbers(below) == {"shift": 0.5, "low": 0.0, "high": 0.5}
    assert amplification.numbers(below.iloc[:1]) == {}


def test_extra_tasks_cost_nothing_once_trained() -> None:
    names = {"income": 1, "college_shuffled": 1}
    small = {"inputs": 12, "hidden": 5}
    plain = build_model({"income": 1}, ModelOptions.model_validate(small), 0)
    options = ModelOptions.model_validate(small | {"auxiliary": ["college_shuffled"]})
    shuffled = build_model(names, options, 0)
    assert list(shuffled.predict(INPUTS)) == ["income"]
    counted = [sum(p.numel() for p in m.inference_parameters()) for m in (plain, shuffled)]
    assert counted[0] == counted[1]


def test_experts_have_the_parameters_of_one_layer() -> None:
    from replications.core.spec import load_plan

    plan = load_plan("caruana", "quick")
    counts = {}
    for run in ("related", "mmoe", "cgc", "ple"):
        options = plan.model_of(run)
        assert isinstance(options, ModelOptions)
        made = build_model(CHANNELS, options, 0)
        counts[run] = sum(p.numel() for p in made.parameters())
    for count in counts.values():
        assert count == pytest.approx(counts["related"], rel=0.03)


def test_neighbours_in_gray_code_differ_by_one_bit() -> None:
    plain, gray = (
        poor_features.draw(1, 400, code, torch.Generator().manual_seed(0))
        for code in ("binary", "gray")
    )
    assert torch.equal(plain.f1, gray.f1)
    order = plain.codes[0, :, :10] @ 2.0 ** torch.arange(10, dtype=torch.float64)
    sorted_codes = gray.codes[0, :, :10][order.argsort()]
    steps = order.sort().values.diff()
    changed = (sorted_codes[1:] != sorted_codes[:-1]).sum(dim=1)
    assert (changed[steps == 1] == 1).all()
    assert (changed[steps == 0] == 0).all()
