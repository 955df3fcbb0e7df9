"""What a study answers, in sentences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from replications.core.evidence.answers import study_sentences
from replications.core.evidence.delta_m import as_metrics
from replications.core.evidence.naming import condition_name, part_names
from replications.core.evidence.numbers import numbers
from replications.core.evidence.overview import efficiency, published_delta
from replications.core.evidence.pays import pays
from replications.core.evidence.statistics import interval
from replications.core.evidence.study import Results, load_results
from replications.core.evidence.values import observed
from replications.core.files import write_json, write_text
from replications.core.spec import load_plan

CHANGES = {"positive": 10.0, "negative": -10.0, "unclear": 0.0}
PUBLISHED = ROOT / "results" / "published"
NOISE = np.array([1.0, -1.0] * 5)


class Answered:
    """As much of a replication's results as the sentence is made from: `transfer`, what becomes of
    each task."""

    def __init__(self, name: str, seeds: int, **transfer: str) -> None:
        self.plan = load_plan(name, "micro").model_copy(update={"seeds": seeds})
        self.claims = pd.DataFrame({"claim": ["1", "5"], "seeds_needed": [8, None]})
        self.reference = self.plan.replication.reference
        rows: list[tuple[Any, ...]] = []
        for task in self.plan.runs[self.reference].tasks:
            metric = self.plan.replication.headline[task]
            higher = metric == "miou"
            change = CHANGES[transfer.get(task, "unclear")] * (1 if higher else -1)
            for run in (self.reference, self.plan.single_of(task, self.reference)):
                level = 100 + (change if run == self.reference else 0.0)
                noise = NOISE if run == self.reference else -NOISE
                place = (run, "test", "", task, metric, higher)
                rows += [(*place, seed, level + own / 2) for seed, own in enumerate(noise)]
        columns = ["run", "split", "condition", "task", "metric", "higher_is_better", "seed"]
        self.runs = pd.DataFrame(rows, columns=[*columns, "value"])

    def ending_at(self, **ends: tuple[float, float]) -> Answered:
        """With such intervals of delta_m, by run."""
        rows = []
        for run, (low, high) in ends.items():
            half = (high - low) / 2 / (interval(NOISE.tolist())[1])
            place: dict[str, Any] = {"replication": self.plan.name, "run": run, "condition": ""}
            place |= {"definition": "per_task_primary", "meaningful": True}
            values = (low + high) / 2 + half * NOISE
            rows += [place | {"seed": seed, "value": value} for seed, value in enumerate(values)]
        delta = pd.DataFrame(rows).assign(higher_is_better=True)
        self.values = observed(pd.concat([self.runs, as_metrics(delta)]))
        return self


def gained(name: str, run: str, low: float, high: float, saved: float) -> dict[str, Any]:
    row = {"replication": name, "run": run, "delta_m": (low + high) / 2, "low": low, "high": high}
    return row | {"parameters_saved": saved, "meaningful": True}


def said(
    one: Answered,
    low: float,
    high: float,
    saved: float,
    equal: tuple[float, float] = (-9.0, -5.0),
) -> str:
    row = gained(one.plan.name, one.reference, low, high, saved)
    other = gained(one.plan.name, "equal", *equal, 90.0)
    found = one.ending_at(**{one.reference: (low, high), "equal": equal})
    return pays([cast(Results, found)], pd.DataFrame([row, other]))


@pytest.mark.parametrize(
    ("low", "high", "saved", "expected"),
    [
        (1.0, 3.0, 50.0, r"정확도($\Delta_m$)로는 불확실성 가중($+2.0$\,\%)이고, "),
        (-1.0, 3.0, 50.0, r"줄인 매개변수로는 불확실성 가중($50$\,\%)이다."),
        (-1.0, 3.0, -20.0, r"줄인 매개변수로는 없다."),
        (-3.0, 3.0, 50.0, r"줄인 매개변수로는 없다."),
        (-9.0, -3.0, 50.0, r"모델 2개 가운데 이득이 인정된 것은, 정확도($\Delta_m$)로는 없고"),
    ],
)
def test_when_sharing_pays(low: float, high: float, saved: float, expected: str) -> None:
    assert expected in said(Answered("uncertainty", 10), low, high, saved)


@pytest.mark.parametrize(
    ("semseg", "kept"), [("unclear", "불확실성 가중이다"), ("negative", "없다")]
)
def test_an_average_that_is_kept_may_hide_a_task_that_is_not(semseg: str, kept: str) -> None:
    sentence = said(Answered("uncertainty", 10, semseg=semseg), -1.0, 3.0, 50.0)
    assert "줄인 매개변수로는 불확실성 가중" in sentence
    assert sentence.endswith(rf"어느 작업도 2\,\% 넘게 잃지 않았다고 인정된 것은 {kept}.")


def test_other_runs_than_the_reference_pay_too() -> None:
    sentence = said(Answered("uncertainty", 10), -9.0, -3.0, 50.0, equal=(5.0, 6.0))
    assert r"정확도($\Delta_m$)로는 불확실성 가중의 ‘균등 가중’($+5.5$\,\%)이고, " in sentence


def test_which_tasks_gain_and_lose() -> None:
    one = Answered("uncertainty", 10, semseg="negative", depth="positive", instances="unclear")
    sentence = said(one, 1.0, 3.0, 50.0)
    assert "성능이 오른 작업은 깊이(불확실성 가중)이고, " in sentence
    assert "성능이 떨어진 작업은 의미 분할(불확실성 가중)이다." in sentence


def test_tasks_of_many_systems_are_counted() -> None:
    one = Answered("uncertainty", 10, semseg="negative", depth="positive", instances="unclear")
    row = gained("uncertainty", one.reference, 1.0, 3.0, 50.0)
    found = one.ending_at(**{one.reference: (1.0, 3.0), "equal": (-9.0, -5.0)})
    sentence = pays([cast(Results, found)] * 7, pd.DataFrame([row]))
    assert "대표 모델 7개에서" in sentence
    assert "성능이 오른 작업은 깊이(7개 모델)이고, " in sentence
    assert "성능이 떨어진 작업은 의미 분할(7개 모델)이다." in sentence


def test_too_few_seeds_answer_nothing() -> None:
    assert said(Answered("uncertainty", 3), 1.0, 3.0, 50.0).endswith("답할 수 없다.")


def test_published_gains_are_taken_as_they_were_printed(tmp_path: Path) -> None:
    plan = load_plan("uncertainty", "micro")
    assert published_delta(plan, tmp_path) == ""
    folder = tmp_path / "uncertainty"
    write_json(folder / "provenance.json", {"study": "cpu"})
    text = r"\kccdefine{uncertainty.uncertainty.delta_m.per_task_primary}{\num{+2.1}\,\%}" + "\n"
    write_text(folder / "numbers.tex", r"\kccdefine{uncertainty.steps}{800}" + "\n" + text)
    assert published_delta(plan, tmp_path) == r"\num{+2.1}"
    write_json(folder / "provenance.json", {"study": "micro"})
    assert published_delta(plan, tmp_path) == ""


def test_parts_under_conditions_are_named_and_many_are_counted() -> None:
    """Of what is published: a claim at every ratio, of recovery and of classes."""
    one = load_results(PUBLISHED / "jscc_recovery_classification")
    compared = one.plan.comparisons(one.plan.replication.claims["5"])
    names, english = part_names(one.plan, compared), part_names(one.plan, compared, english=True)
    assert "복원 단독, 기호 절반(SNR -5 dB)" in names
    assert "reconstruction_half (snr_db=-5)" in english
    assert condition_name("at_rest=1,snr_db=3") == r"at\_rest=1, SNR 3 dB"
    said = dict(numbers(one))["sentence.jscc_recovery_classification.claim5"]
    assert re.search(r"뒤집힘: 비교 \d+개", said)
    assert "_" not in said


@pytest.mark.parametrize(
    ("names", "korean", "english"),
    [
        (
            ["tensor_factorisation", "sparse_sharing"],
            r"절감은 $-5$\,\%에서 $59$\,\%까지이다(음수는 증가).",
            r"saved: $-5$ to $59$\,\% (below 0: more).",
        ),
        (["sparse_sharing"], r"절감은 $59$\,\%이다.", r"saved: $59$\,\%."),
    ],
)
def test_what_is_saved_is_said_with_its_sign(names: list[str], korean: str, english: str) -> None:
    results = [load_results(PUBLISHED / name) for name in names]
    table = pd.DataFrame([row for one in results for row in efficiency(one)])
    said = dict(study_sentences(results, table))
    assert said["sentence.study.answer"].endswith(korean)
    assert said["sentence.study.answer.english"].endswith(english)
