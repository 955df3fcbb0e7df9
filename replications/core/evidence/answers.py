"""What a study answers, in sentences: what was trained, what was decided, when sharing pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import pandas as pd

from replications.core.evidence.naming import task_name
from replications.core.evidence.numbers import counted
from replications.core.evidence.study import Results
from replications.core.spec import Verdict, written

_LOST = 2
"""Percent of delta_m that equal accuracy may lose, by the lower end of its 95 % interval."""


def training_sentences(results: Sequence[Results]) -> Iterator[tuple[str, str]]:
    """What was trained, and for how long."""
    trainings = sum(
        one.plan.seeds for one in results for run in one.plan.runs.values() if not run.of
    )
    seconds = pd.concat([one.costs["training_s"] for one in results])
    ends = [f"{value:,.0f}" for value in (seconds.min(), seconds.max())]
    epochs = sorted(one.plan.epochs for one in results if one.plan.epochs)
    passes = [f"{value:.2g}" for value in dict.fromkeys((epochs[0], epochs[-1]))] if epochs else []
    data = f"(학습 데이터 {'--'.join(passes)}회 반복) " if passes else ""
    yield (
        "sentence.study.trained",
        f"모델 {trainings:,}개를 하나에 {'--'.join(ends)}초씩 {data}학습하였다.",
    )
    passed = f", {' to '.join(passes)} passes over the training data" if passes else ""
    yield (
        "sentence.study.trained.english",
        f"We train {trainings:,} models for {' to '.join(ends)} seconds each{passed}.",
    )


def study_sentences(
    results: Sequence[Results], efficiency: pd.DataFrame
) -> Iterator[tuple[str, str]]:
    """What came of all claims, and of the question whether multi-task learning pays."""
    claims = pd.concat([one.claims for one in results])
    yield "sentence.study.verdicts", counted(claims["verdict"])
    found = claims["verdict"].value_counts().reindex(get_args(Verdict), fill_value=0)
    words = ", ".join(f"{count} {verdict}" for verdict, count in found.items())
    of = f"Of {len(claims)} claims" if len(claims) > 1 else "Of one claim"
    yield "sentence.study.verdicts.english", f"{of} we find {words}."
    yield "sentence.study.pays", pays(results, efficiency)
    own = _references(results, efficiency)
    if own.empty:
        yield "sentence.study.answer", r"대표 다중 작업 모델의 $\Delta_m$은 모두 무의미하다."
        yield "sentence.study.answer.english", r"No $\Delta_m$ of a reference model is meaningful."
        return
    better, worse = (own["low"] > 0).sum(), (own["high"] < 0).sum()
    unclear = len(own) - better - worse
    saved = own["parameters_saved"].round()
    ends = [rf"${end:.0f}$" for end in sorted({*saved.agg(["min", "max"]).dropna()})]
    yield (
        "sentence.study.answer",
        rf"대표 다중 작업 모델 {len(own)}개 중 $\Delta_m$의 95\,\% 구간이 0보다 높은 것은 "
        rf"{better}개, 낮은 것은 {worse}개, 0을 포함하는 것은 {unclear}개이고, "
        rf"매개변수의 절감은 {'--'.join(ends)}\,\%이다.",
    )
    yield (
        "sentence.study.answer.english",
        rf"The 95\,\% interval of $\Delta_m$ lies above zero for {better}, below for {worse} and "
        rf"around it for {unclear} of the multi-task models compared; parameters saved: "
        rf"{' to '.join(ends)}\,\%.",
    )


def _references(results: Sequence[Results], efficiency: pd.DataFrame) -> pd.DataFrame:
    """The rows of the reference runs whose delta_m is meaningful."""
    references = [f"{one.plan.name}/{one.plan.replication.reference}" for one in results]
    own = efficiency[(efficiency["replication"] + "/" + efficiency["run"]).isin(references)]
    return own[own["meaningful"]]


def pays(results: Sequence[Results], efficiency: pd.DataFrame) -> str:
    """When multi-task learning pays, by the reference runs that have seeds enough for verdicts: by
    accuracy, or by parameters at an accuracy that is not lost; and which tasks gain and lose."""
    enough = [one for one in results if one.plan.seeds >= one.claims["seeds_needed"].max()]
    rows = _references(enough, efficiency)
    if rows.empty:
        return "다중 작업 학습이 언제 이득이 되는지는 이 연구의 시드 수로는 답하지 않는다."
    better = rows["low"] > 0
    kept = ~better & (rows["low"] > -_LOST) & (rows["parameters_saved"] > 0)
    names = {one.plan.name: one.plan.replication.korean for one in enough}
    gains = [
        rf"{names[row.replication]}(${row.delta_m:+.1f}$\,\%)" for row in rows[better].itertuples()
    ]
    saving = [
        rf"{names[row.replication]}(매개변수 ${row.parameters_saved:.0f}$\,\% 절감)"
        for row in rows[kept].itertuples()
    ]
    neither = [
        rf"{names[row.replication]}(${row.delta_m:+.1f}$\,\%)"
        for row in rows[~better & ~kept].itertuples()
    ]
    said = {
        "정확도로는": gains,
        rf"정확도를 {_LOST}\,\% 넘게 잃지 않고 줄인 매개변수로는": saving,
    }
    pays_by = [f"{word} {', '.join(found)}" for word, found in said.items() if found]
    no = f"어느 쪽으로도 이득이 확인되지 않은 것은 {', '.join(neither)}이다. " if neither else ""
    yes = (
        f"이 조건에서 다중 작업 학습이 이득이 되는 것은 {', '.join(pays_by)}이다."
        if pays_by
        else "이 조건에서 다중 작업 학습이 이득이 되는 경우는 확인되지 않았다."
    )
    return no + _tasks(enough) + yes


def _tasks(results: Sequence[Results]) -> str:
    """Which tasks of the reference runs gain by the others, and which lose."""
    found: dict[str, list[str]] = {"positive": [], "negative": []}
    for one in results:
        reference = one.plan.replication.reference
        own = one.transfer[one.transfer["run"] == reference]
        own = own[own["axis"].fillna("") == written(one.plan.axes_of(reference))]
        for row in own.itertuples():
            if row.transfer in found:
                name = f"{task_name(row.task)}({one.plan.replication.korean})"
                found[row.transfer].append(name)
    words = {"positive": "얻은 작업은", "negative": "잃은 작업은"}
    parts = [f"{words[sign]} {', '.join(names)}" for sign, names in found.items() if names]
    return f"다른 작업과 함께 배워 {'이고, '.join(parts)}이다. " if parts else ""
