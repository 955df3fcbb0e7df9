"""What a study answers, in sentences: what was trained, what was decided, when sharing pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import pandas as pd

from replications.core.evidence.ladder import AGAINST, FOR, settled_sides
from replications.core.evidence.naming import task_name
from replications.core.evidence.numbers import counted
from replications.core.evidence.study import Results
from replications.core.evidence.verdicts import PARTS
from replications.core.spec import ALL_TASKS, DELTA_METRICS, Comparison, Verdict
from replications.core.spec.claims import SINGLES

_LOST = 2
"""Percent of delta_m that equal accuracy may lose."""


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
    sides = [_side(one) for one in results if one.plan.name in set(own["replication"])]
    better, worse, unclear = (sides.count(side) for side in PARTS)
    at = "마지막 두 예산에서 모두 " if any(one.plan.ladder for one in results) else ""
    saved = own["parameters_saved"].round()
    ends = [rf"${end:.0f}$" for end in sorted({*saved.agg(["min", "max"]).dropna()})]
    yield (
        "sentence.study.answer",
        rf"대표 다중 작업 모델 {len(own)}개 중 {at}$\Delta_m$이 0보다 높다고 판정되는 것은 "
        rf"{better}개, 낮다고 판정되는 것은 {worse}개, 판정할 수 없는 것은 {unclear}개이고, "
        rf"매개변수의 절감은 {'--'.join(ends)}\,\%이다.",
    )
    yield (
        "sentence.study.answer.english",
        rf"We find $\Delta_m$ above zero for {better} of the multi-task models compared and below "
        rf"for {worse}; for {unclear} it is open. Parameters saved: "
        rf"{' to '.join(ends)}\,\%.",
    )


def _references(results: Sequence[Results], efficiency: pd.DataFrame) -> pd.DataFrame:
    """The rows of the reference runs whose delta_m is meaningful."""
    references = [f"{one.plan.name}/{one.plan.replication.reference}" for one in results]
    own = efficiency[(efficiency["replication"] + "/" + efficiency["run"]).isin(references)]
    return own[own["meaningful"]]


def _side(one: Results, margin: float = 0.0) -> str:
    """Whether the delta_m of the reference run is above 0, or not below by more than a margin."""
    pair = (one.plan.replication.reference, SINGLES)
    comparison = Comparison({0.0: pair}, ALL_TASKS, DELTA_METRICS["per_task_primary"], margin)
    return settled_sides(one.plan, [comparison], one.values)[0]


def pays(results: Sequence[Results], efficiency: pd.DataFrame) -> str:
    """When multi-task learning pays, by the reference runs that have seeds enough for verdicts: by
    accuracy, or by parameters at an accuracy that is not lost; and which tasks gain and lose."""
    enough = [one for one in results if one.plan.seeds >= one.claims["seeds_needed"].max()]
    rows = _references(enough, efficiency)
    if rows.empty:
        return "다중 작업 학습이 언제 이득이 되는지는 이 연구의 시드 수로는 답하지 않는다."
    of = {one.plan.name: one for one in enough}
    better = rows["replication"].map(lambda name: _side(of[name]) == FOR)
    held = rows["replication"].map(lambda name: _side(of[name], _LOST) == FOR)
    kept = ~better & held & (rows["parameters_saved"] > 0)
    names = {name: one.plan.replication.korean for name, one in of.items()}
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
    found: dict[str, list[str]] = {FOR: [], AGAINST: []}
    for one in results:
        plan, reference = one.plan, one.plan.replication.reference
        tasks = plan.runs[reference].tasks
        pairs = {task: (reference, plan.single_of(task, reference)) for task in tasks}
        compared = [
            Comparison({0.0: pair}, task, plan.replication.headline[task])
            for task, pair in pairs.items()
        ]
        sides = settled_sides(plan, compared, one.values)
        for task, side in zip(tasks, sides, strict=True):
            if side in found:
                found[side].append(f"{task_name(task)}({plan.replication.korean})")
    words = {FOR: "얻은 작업은", AGAINST: "잃은 작업은"}
    parts = [f"{words[side]} {', '.join(names)}" for side, names in found.items() if names]
    return f"다른 작업과 함께 배워 {'이고, '.join(parts)}이다. " if parts else ""
