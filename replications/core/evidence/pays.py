"""When multi-task learning pays: by accuracy, by parameters, and for which tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from replications.core.evidence.ladder import AGAINST, FOR, OPEN, Sides, at_budget, sides_of
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results
from replications.core.spec import ALL_TASKS, DELTA_METRICS, Comparison
from replications.core.spec.claims import SINGLES

_LOST = 2
"""Percent of delta_m that equal accuracy may lose."""
_NAMED = 4
"""How many runs a sentence names."""
_TASKS_NAMED = 12
"""How many tasks of them; of more it counts the runs."""
_CHANGES = {
    Sides(FOR, FOR): "다른 작업과 함께 학습하여 성능이 오른 작업은",
    Sides(AGAINST, AGAINST): "성능이 떨어진 작업은",
    Sides(FOR, OPEN): "성능이 올랐으나 학습을 늘리면 달라질 수 있는 작업은",
    Sides(AGAINST, OPEN): "성능이 떨어졌으나 학습을 늘리면 달라질 수 있는 작업은",
}


def pays(results: Sequence[Results], efficiency: pd.DataFrame) -> str:
    """When multi-task learning pays, of all multi-task runs of the replications that have seeds
    enough for verdicts: by accuracy, or by parameters at an accuracy that is not lost; and which
    tasks gain and lose by the reference runs."""
    enough = [one for one in results if one.plan.seeds >= one.claims["seeds_needed"].max()]
    asked = 0
    by_accuracy: list[tuple[float, str]] = []
    by_parameters: list[tuple[float, str]] = []
    by_every_task: list[tuple[float, str]] = []
    for one in enough:
        own = efficiency[(efficiency["replication"] == one.plan.name) & efficiency["meaningful"]]
        rows = [row for row in own.itertuples() if _at_every_budget(one, row.run)]
        runs = [row.run for row in rows]
        sides = zip(delta_sides(one, runs), delta_sides(one, runs, _LOST), strict=True)
        for row, (gain, kept) in zip(rows, sides, strict=True):
            name = _run_name(one, row.run)
            if gain.settled == FOR:
                by_accuracy.append((row.delta_m, rf"{name}(${row.delta_m:+.1f}$\,\%)"))
            elif kept.settled == FOR and row.parameters_saved > 0:
                saved = rf"{name}(${row.parameters_saved:.0f}$\,\%)"
                by_parameters.append((row.parameters_saved, saved))
                compared = task_comparisons(one, row.run, _LOST)
                if {side.settled for side in sides_of(one.plan, compared, one.values)} == {FOR}:
                    by_every_task.append((row.parameters_saved, name))
        asked += len(runs)
    if not asked:
        return "다중 작업 학습이 언제 이득이 되는지는 이 연구의 시드 수로는 답할 수 없다."
    said = _tasks(enough) + (
        f"이 조건에서 비교한 다중 작업 모델 {asked}개 가운데 이득이 인정된 것은, "
        f"정확도($\\Delta_m$)로는 {_listed(by_accuracy, '이고', '없고')}, "
        f"$\\Delta_m$을 {_LOST}\\,\\% 넘게 잃지 않고 줄인 매개변수로는 "
        f"{_listed(by_parameters, '이다', '없다')}."
    )
    if not by_parameters:
        return said
    every = _listed(by_every_task, "이다", "없다")
    return f"{said} 그 가운데 어느 작업도 {_LOST}\\,\\% 넘게 잃지 않았다고 인정된 것은 {every}."


def task_comparisons(one: Results, run: str, margin: float = 0.0) -> list[Comparison]:
    """A run against the single-task runs on the primary metric of each of its tasks; it may be
    worse by a margin, in percent of these."""
    plan = one.plan
    return [
        Comparison(
            {0.0: (run, plan.single_of(task, run))},
            task,
            plan.replication.headline[task],
            margin,
            relative=margin > 0,
        )
        for task in plan.runs[run].tasks
    ]


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
    """Which tasks of the reference runs gain by the others, and which lose; where they are many, of
    how many runs."""
    found: dict[str, list[tuple[str, str]]] = {word: [] for word in _CHANGES.values()}
    for one in results:
        compared = task_comparisons(one, one.plan.replication.reference)
        for own, sides in zip(compared, sides_of(one.plan, compared, one.values), strict=True):
            if word := _CHANGES.get(sides):
                found[word].append((task_name(own.task), one.plan.replication.korean))
    many = sum(map(len, found.values())) > _TASKS_NAMED
    parts = [f"{word} {_of_runs(tasks, many)}" for word, tasks in found.items() if tasks]
    models = f"대표 모델 {len(results)}개" if many else "대표 모델"
    return f"{models}에서 {'이고, '.join(parts)}이다. " if parts else ""


def _of_runs(tasks: Sequence[tuple[str, str]], many: bool) -> str:
    if not many:
        return ", ".join(f"{task}({run})" for task, run in tasks)
    counts = Counter(task for task, _ in tasks)
    return ", ".join(f"{task}({count}개 모델)" for task, count in counts.most_common())


def delta_sides(one: Results, runs: Sequence[str], margin: float = 0.0) -> list[Sides]:
    """Whether the delta_m of each run is above 0, or not below by more than a margin."""
    return sides_of(one.plan, [_above_zero(run, margin) for run in runs], one.values)


def _above_zero(run: str, margin: float = 0.0) -> Comparison:
    return Comparison({0.0: (run, SINGLES)}, ALL_TASKS, DELTA_METRICS["per_task_primary"], margin)
