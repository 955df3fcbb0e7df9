"""What a study answers, in sentences: what was trained, what was decided, when sharing pays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import pandas as pd

from replications.core.evidence.ladder import AGAINST, FOR, OPEN, Sides, at_budget, sides_of
from replications.core.evidence.naming import task_name
from replications.core.evidence.numbers import by_verdict
from replications.core.evidence.statistics import interval
from replications.core.evidence.study import Results
from replications.core.spec import ALL_TASKS, DELTA_METRICS, Comparison, Verdict
from replications.core.spec.claims import SINGLES, DeltaM

_LOST = 2
"""Percent of delta_m that equal accuracy may lose."""
_NAMED = 4
"""How many runs a sentence names."""
_DEFINITIONS: dict[DeltaM, str] = {
    "per_task_primary": r"식~\eqref{eq:delta}",
    "per_metric": "모든 지표",
    "per_task_mean": "작업 안의 평균",
}

_CHANGES = {
    Sides(FOR, FOR): "다른 작업과 함께 학습하여 성능이 오른 작업은",
    Sides(AGAINST, AGAINST): "떨어진 작업은",
    Sides(FOR, OPEN): "올랐으나 학습을 늘리면 달라질 수 있는 작업은",
    Sides(AGAINST, OPEN): "떨어졌으나 학습을 늘리면 달라질 수 있는 작업은",
}


def training_sentences(results: Sequence[Results]) -> Iterator[tuple[str, str]]:
    """What was trained, and for how long."""
    trainings = sum(
        one.plan.seeds for one in results for run in one.plan.runs.values() if not run.of
    )
    seconds = pd.concat([one.costs["training_s"] for one in results])
    ends = [f"{value:,.0f}" for value in (seconds.min(), seconds.max())]
    plans = [one.plan for one in results]
    known = (plan.epochs_of(steps) for plan in plans for steps in plan.budgets)
    epochs = sorted({passes for passes in known if passes})
    passes = [f"{value:.2g}" for value in dict.fromkeys([*epochs[:1], *epochs[-1:]])]
    data = f" 학습 데이터를 {'--'.join(passes)}회 반복하여" if passes else ""
    yield (
        "sentence.study.trained",
        f"모델 {trainings:,}개를 개당 {'--'.join(ends)}초(실행마다 중앙값) 동안{data} 학습하였다.",
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
    found = [_delta_sides(one, [one.plan.replication.reference])[0] for one in sound]
    better, worse, unclear = (
        [one.last for one in found].count(side) for side in (FOR, AGAINST, OPEN)
    )
    saved = own["parameters_saved"].round()
    ends = [rf"${end:.0f}$" for end in sorted({*saved.agg(["min", "max"]).dropna()})]
    at, settled, settled_english = "", "", ""
    if any(one.plan.ladder for one in results):
        at = "마지막 예산에서 "
        kept = sum(one.settled != OPEN for one in found)
        settled = f"학습을 더 늘려도 그대로라고 인정된 것은 {kept}개이며, "
        settled_english = f" Of these signs {kept} are settled against longer training."
    yield (
        "sentence.study.answer",
        rf"대표 다중 작업 모델 {len(own)}개 중 {at}$\Delta_m$이 0보다 높다고 판정되는 것은 "
        rf"{better}개, 낮다고 판정되는 것은 {worse}개, 판정할 수 없는 것은 {unclear}개이고, "
        rf"{settled}매개변수의 절감은 {'--'.join(ends)}\,\%이다.",
    )
    yield (
        "sentence.study.answer.english",
        rf"We find $\Delta_m$ above zero for {better} of the multi-task models compared and below "
        rf"for {worse}; for {unclear} it is open.{settled_english} Parameters saved: "
        rf"{' to '.join(ends)}\,\%.",
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
        words = [f"{counts[name]} {name}" for name in get_args(Verdict) if name in counts.index]
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


def _delta_sides(one: Results, runs: Sequence[str], margin: float = 0.0) -> list[Sides]:
    """Whether the delta_m of each run is above 0, or not below by more than a margin."""
    return sides_of(one.plan, [_above_zero(run, margin) for run in runs], one.values)


def _above_zero(run: str, margin: float = 0.0) -> Comparison:
    return Comparison({0.0: (run, SINGLES)}, ALL_TASKS, DELTA_METRICS["per_task_primary"], margin)


def pays(results: Sequence[Results], efficiency: pd.DataFrame) -> str:
    """When multi-task learning pays, of all multi-task runs of the replications that have seeds
    enough for verdicts: by accuracy, or by parameters at an accuracy that is not lost; and which
    tasks gain and lose by the reference runs."""
    enough = [one for one in results if one.plan.seeds >= one.claims["seeds_needed"].max()]
    asked = 0
    by_accuracy: list[tuple[float, str]] = []
    by_parameters: list[tuple[float, str]] = []
    for one in enough:
        own = efficiency[(efficiency["replication"] == one.plan.name) & efficiency["meaningful"]]
        rows = [row for row in own.itertuples() if _at_every_budget(one, row.run)]
        runs = [row.run for row in rows]
        sides = zip(_delta_sides(one, runs), _delta_sides(one, runs, _LOST), strict=True)
        for row, (gain, kept) in zip(rows, sides, strict=True):
            name = _run_name(one, row.run)
            if gain.settled == FOR:
                by_accuracy.append((row.delta_m, rf"{name}(${row.delta_m:+.1f}$\,\%)"))
            elif kept.settled == FOR and row.parameters_saved > 0:
                saved = rf"{name}(${row.parameters_saved:.0f}$\,\%)"
                by_parameters.append((row.parameters_saved, saved))
        asked += len(runs)
    if not asked:
        return "다중 작업 학습이 언제 이득이 되는지는 이 연구의 시드 수로는 답하지 않는다."
    return _tasks(enough) + (
        f"이 조건에서 비교한 다중 작업 모델 {asked}개 가운데 이득이 인정된 것은, 정확도로는 "
        f"{_listed(by_accuracy, '이고', '없고')}, 정확도를 {_LOST}\\,\\% 넘게 잃지 않고 줄인 "
        f"매개변수로는 {_listed(by_parameters, '이다', '없다')}."
    )


def _at_every_budget(one: Results, run: str) -> bool:
    """Whether a run is that of the settings, and what is said of it can be settled."""
    plan, comparison = one.plan, _above_zero(run)
    known = (at_budget(plan, comparison, steps).runs <= set(plan.runs) for steps in plan.ladder)
    return not plan.runs[run].axis and all(known)


def _run_name(one: Results, run: str) -> str:
    replication = one.plan.replication
    if run == replication.reference:
        return replication.korean
    return f"{replication.korean}의 ‘{one.plan.runs[run].title}’"


def _listed(found: Sequence[tuple[float, str]], some: str, none: str) -> str:
    """The largest by name, and how many there are."""
    if not found:
        return none
    names = [name for _, name in sorted(found, key=lambda one: -one[0])]
    more = f" 등 {len(names)}개" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more + some


def _tasks(results: Sequence[Results]) -> str:
    """Which tasks of the reference runs gain by the others, and which lose."""
    found: dict[str, list[str]] = {word: [] for word in _CHANGES.values()}
    for one in results:
        plan, reference = one.plan, one.plan.replication.reference
        tasks = plan.runs[reference].tasks
        pairs = {task: (reference, plan.single_of(task, reference)) for task in tasks}
        compared = [
            Comparison({0.0: pair}, task, plan.replication.headline[task])
            for task, pair in pairs.items()
        ]
        for task, sides in zip(tasks, sides_of(plan, compared, one.values), strict=True):
            if word := _CHANGES.get(sides):
                found[word].append(f"{task_name(task)}({plan.replication.korean})")
    parts = [f"{word} {', '.join(names)}" for word, names in found.items() if names]
    return f"대표 모델에서 {'이고, '.join(parts)}이다. " if parts else ""
