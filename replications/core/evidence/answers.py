"""What a study answers, in sentences: what was trained, what was decided, when sharing pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import pandas as pd

from replications.core.evidence.ladder import AGAINST, FOR, OPEN
from replications.core.evidence.numbers import by_verdict
from replications.core.evidence.pays import delta_sides, pays
from replications.core.evidence.statistics import interval
from replications.core.evidence.study import Results
from replications.core.spec import ALL_TASKS, DELTA_METRICS, Verdict
from replications.core.spec.claims import DeltaM

_DEFINITIONS: dict[DeltaM, str] = {
    "per_task_primary": r"식~\eqref{eq:delta}",
    "per_metric": "모든 지표",
    "per_task_mean": "작업 안의 평균",
}
_IN_ENGLISH: dict[Verdict, str] = {"partly": "partly reproduced"}


def training_sentences(results: Sequence[Results]) -> Iterator[tuple[str, str]]:
    """What was trained, and for how long."""
    trainings = sum(
        one.plan.seeds for one in results for run in one.plan.runs.values() if not run.of
    )
    seconds = pd.concat([one.costs["training_s"] for one in results])
    ends = [f"{value:,.0f}" for value in (seconds.min(), seconds.max())]
    plans = [one.plan for one in results]
    known = (plan.epochs_of(plan.settings_of(run)) for plan in plans for run in plan.runs)
    epochs = sorted({passes for passes in known if passes})
    few_and_many = dict.fromkeys([*epochs[:1], *epochs[-1:]])
    passes = [f"{value:.0f}" if value >= 10 else f"{value:.2g}" for value in few_and_many]
    data = f"학습 데이터 {'--'.join(passes)}회 반복으로, " if passes else ""
    yield (
        "sentence.study.trained",
        f"모델 {trainings:,}개를 {data}개당 {'--'.join(ends)}초(실행별 중앙값) 동안 학습하였다.",
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
    yield from _verdicts(results)
    yield "sentence.study.pays", pays(results, efficiency)
    own = _references(results, efficiency)
    sound = [one for one in results if one.plan.name in set(own["replication"])]
    yield "sentence.study.definitions", _definitions(sound)
    if own.empty:
        yield "sentence.study.answer", r"대표 다중 작업 모델의 $\Delta_m$은 모두 무의미하다."
        yield "sentence.study.answer.english", r"No $\Delta_m$ of a reference model is meaningful."
        return
    found = [delta_sides(one, [one.plan.replication.reference])[0] for one in sound]
    better, worse, unclear = (
        [one.last for one in found].count(side) for side in (FOR, AGAINST, OPEN)
    )
    saved = own["parameters_saved"].round()
    limits = sorted({*saved.agg(["min", "max"]).dropna()})
    ends = [rf"${end:.0f}$" for end in limits]
    savings = "에서 ".join(rf"{end}\,\%" for end in ends) + ("까지" if len(ends) > 1 else "")
    more = "(음수는 증가)" if limits and limits[0] < 0 else ""
    at, settled, settled_english = "", "", ""
    if any(one.plan.ladder for one in results):
        at = "마지막 예산에서 "
        gains, losses = ([one.settled for one in found].count(side) for side in (FOR, AGAINST))
        settled = (
            f"학습을 두 배로 늘려도 남는다고 인정된 것은 이득 {gains}개와 손실 {losses}개이며, "
        )
        settled_english = (
            f" Settled against another doubling of training: gains {gains}, losses {losses}."
        )
    yield (
        "sentence.study.answer",
        rf"대표 다중 작업 모델 {len(own)}개 중 {at}$\Delta_m$이 0보다 크다고 판정된 것은 "
        rf"{better}개, 작다고 판정된 것은 {worse}개, 판정할 수 없는 것은 {unclear}개이고, "
        rf"{settled}매개변수의 절감은 {savings}이다{more}.",
    )
    yield (
        "sentence.study.answer.english",
        rf"The mean relative change $\Delta_m$ of {len(own)} reference models is above zero for "
        rf"{better}, below for {worse} and open for {unclear}.{settled_english} Parameters saved: "
        rf"{' to '.join(ends)}\,\%{' (below 0: more)' if more else ''}.",
    )


def _verdicts(results: Sequence[Results]) -> Iterator[tuple[str, str]]:
    """How many claims have which verdict: of those tested over seeds, and of those on what was
    measured directly, such as costs."""
    claims = pd.concat([one.claims for one in results])
    tested = [
        one.plan.replication.claims[number].tested
        for one in results
        for number in one.claims["claim"]
    ]
    parts, english = [], []
    for is_tested, kind, kind_english in (
        (True, "시드로 검정한", "claims tested over seeds"),
        (False, "직접 잰 값에 관한", "claims on what is measured directly"),
    ):
        own = claims.loc[[one == is_tested for one in tested], "verdict"]
        if own.empty:
            continue
        parts.append(f"{kind} 주장 {len(own)}개는 {by_verdict(own)}")
        counts = own.value_counts()
        words = [
            f"{counts[name]} {_IN_ENGLISH.get(name, name)}"
            for name in get_args(Verdict)
            if name in counts.index
        ]
        english.append(f"of {len(own)} {kind_english} we find {', '.join(words)}")
    yield "sentence.study.verdicts", ", ".join(parts)
    said = "; ".join(english)
    yield "sentence.study.verdicts.english", f"{said[:1].upper()}{said[1:]}."


def _references(results: Sequence[Results], efficiency: pd.DataFrame) -> pd.DataFrame:
    """The rows of the reference runs whose delta_m is meaningful."""
    references = [f"{one.plan.name}/{one.plan.replication.reference}" for one in results]
    own = efficiency[(efficiency["replication"] + "/" + efficiency["run"]).isin(references)]
    return own[own["meaningful"]]


def _definitions(results: Sequence[Results]) -> str:
    """Of which reference runs the sign of delta_m depends on its definition, by 95 % intervals."""
    named = []
    for one in results:
        reference, gains = one.plan.replication.reference, {}
        for name, word in _DEFINITIONS.items():
            place = (ALL_TASKS, DELTA_METRICS[name])
            gains[word] = one.values.sign(*place) * one.values.found[reference, *place, ""]
        ends = [interval(gain.tolist()) for gain in gains.values()]
        if any(low > 0 for low, _ in ends) and any(high < 0 for _, high in ends):
            values = [rf"{word} ${gain.mean():+.1f}$" for word, gain in gains.items()]
            named.append(f"{one.plan.replication.korean}({', '.join(values)})")
    if not named:
        return r"정의에 따라 $\Delta_m$의 부호가 달라지는 대표 모델은 없다."
    said = rf"정의에 따라 $\Delta_m$의 부호가 달라지는 대표 모델은 {', '.join(named)}이다"
    return f"{said}(양수가 이득)."
