"""What the page shows of each replication, as plain values for its template."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from replications.core.evidence.comparisons import differences
from replications.core.evidence.ladder import NOT_SETTLED
from replications.core.evidence.naming import VERDICTS, metric_name, task_name
from replications.core.evidence.overview import efficiency
from replications.core.evidence.publish import origins
from replications.core.evidence.study import Results
from replications.core.page.gains import forest_plot
from replications.core.page.plots import Plot, curve_plot, ladder_plot, named
from replications.core.page.slides import slides
from replications.core.page.text import Both, both, from_latex, same
from replications.core.spec import Claim, base_of, written

View = dict[str, Any]
_SIDES = {
    "parts_for": both("성립", "holds"),
    "parts_against": both("뒤집힘", "reversed"),
    "parts_open": both("미정", "open"),
    "parts_lacking": both("학습하지 않음", "not trained"),
}
_REASONS = {
    NOT_SETTLED: both("더 학습하면 달라질 수 있음", "more training might change it"),
    "not trained": both("바닥을 넘지 못한 실행이 있음", "a run is at its floor"),
    "not meaningful": both("기준이 불안정함", "relative to an unsteady baseline"),
    "lacks runs": both("이 연구에 없는 실행이 있음", "this study lacks runs"),
    "few seeds": both("시드가 부족함", "too few seeds"),
}
_OPEN = both("시드 사이의 차이로는 가릴 수 없음", "differences between seeds leave it open")
_COSTS = {
    "parameters": both("매개변수", "parameters"),
    "flops": both("연산량", "operations"),
    "latency_ms": both("지연", "latency"),
}
_ROLES = {"single": both("단일 작업", "single-task"), "multi": both("다중 작업", "multi-task")}
_SPLITS = {
    "train": both("학습", "train"),
    "val": both("검증", "validation"),
    "test": both("시험", "test"),
}
_VERSIONS = ("python", "torch", "torchvision", "numpy", "timm", "processor", "device", "threads")


def replication_view(results: Results, plots: dict[str, Plot]) -> View:
    """A section of the page; its figures are added to `plots` by the names that it calls them."""
    plan = results.plan
    reference = plan.replication.reference
    gain = next((row for row in efficiency(results) if row["run"] == reference), None)
    forest = forest_plot(results)
    if forest:
        plots[f"forest-{plan.name}"] = forest
    return {
        "name": plan.name,
        "title": both(plan.replication.korean, plan.replication.title),
        "reference": both(plan.runs[reference].title, reference),
        "study": plan.study,
        "seeds": plan.seeds,
        "few": plan.seeds < (results.claims["seeds_needed"].min() or 0),
        "budgets": _budgets(results),
        "gain": gain,
        "claims": [
            claim_view(results, row, plots)
            for _, row in results.claims.iterrows()
            if row["claim"] in plan.replication.claims
        ],
        "forest": f"forest-{plan.name}" if forest else None,
        "curves": list(_curves(results, plots)),
        "slides": list(slides(results)),
        "provenance": provenance_view(results),
    }


def _budgets(results: Results) -> list[int]:
    """The budgets that the results have, which the specification may be ahead of."""
    found = results.ladder["steps"].unique().tolist()
    return sorted(map(int, found)) or [results.plan.settings.steps]


def claim_view(results: Results, row: pd.Series, plots: dict[str, Plot]) -> View:
    """A claim: what is said, the verdict, and what it rests on."""
    plan, number = results.plan, str(row["claim"])
    claim = plan.replication.claims[number]
    verdict, place = str(row["verdict"]), f"{plan.name}-{number}"
    plot = ladder_plot(results, plan.comparisons(claim)) if claim.tested else None
    if plot:
        plots[place] = plot
    reason = row["reason"] if isinstance(row["reason"], str) else ""
    return {
        "number": number,
        "place": place,
        "title": both(claim.korean or row["title"], row["title"]),
        "ours": claim.ours,
        "verdict": verdict,
        "called": both(VERDICTS[verdict], verdict),  # type: ignore[index]
        "reason": _REASONS.get(reason, same(reason)) if reason or verdict != "undecided" else _OPEN,
        "settled_from": None if pd.isna(row["settled_from"]) else int(row["settled_from"]),
        "sides": list(_sides(results, claim, row)),
        "comparisons": list(_comparisons(results, claim, number)),
        "facts": list(_facts(results, claim)),
        "plot": place if plot else None,
    }


def _sides(results: Results, claim: Claim, row: pd.Series) -> Iterator[tuple[Both, list[Both]]]:
    """Of a claim with several comparisons: the sides, and which of them are on each."""
    compared = results.plan.comparisons(claim)
    if len(compared) < 2:
        return
    # Tables name them in Korean; titles may have changed since.
    names = {name["ko"]: name for name in named(results.plan, compared)}
    for column, side in _SIDES.items():
        if isinstance(row.get(column), str):
            own = [from_latex(name) for name in row[column].split("; ")]
            yield side, [names.get(name, {"ko": name, "en": name}) for name in own]


def _comparisons(results: Results, claim: Claim, number: str) -> Iterator[View]:
    """What was compared at the last budget: the difference in the metric's unit, its interval."""
    table = results.comparisons
    rows = table[table["claim"] == number].to_dict("records")
    compared = results.plan.comparisons(claim)
    made = [
        (one, name)
        for one, name in zip(compared, named(results.plan, compared), strict=True)
        if differences(one, results.values) is not None
    ]
    for (one, name), row in zip(made, rows, strict=False):
        unit = _unit(results, row["task"], row["metric"], bool(row["relative"]))
        yield {
            "name": name,
            "unit": both(f"{unit}, 배가마다", f"{unit} per doubling") if one.slope else same(unit),
            "margin": one.margin,
            **{key: _finite(row[key]) for key in ("difference", "low", "high", "p")},
        }


def _finite(value: float) -> float | None:
    """What a table shows; of one seed there is no spread."""
    return float(value) if math.isfinite(value) else None


def _unit(results: Results, task: str, metric: str, relative: bool) -> str:
    units = results.test["unit"]
    own = units[(units.index.get_level_values("task") == task)]
    own = own[own.index.get_level_values("metric") == metric]
    return "%" if relative or own.empty else str(own.iloc[0])


def _facts(results: Results, claim: Claim) -> Iterator[tuple[Both, float, Both]]:
    """What a claim that is not tested over seeds rests on: what was measured, and what it needs."""
    for saving in claim.cheaper:
        if {saving.run, saving.against or saving.run} <= set(results.costs.index):
            saved = results.saved(saving.run, saving.cost, saving.against)
            cost = _COSTS[saving.cost]
            name = {"ko": f"{cost['ko']} 절감 (%)", "en": f"{cost['en']} saved (%)"}
            yield name, saved, same("< 0" if saving.dearer else f"≥ {saving.percent:g}")
    for bound in claim.measured:
        if (results.folder / bound.experiment / "numbers.json").is_file():
            value = results.numbers(bound.experiment).get(bound.number)
            ends = [f"≥ {bound.least:g}"] if bound.least is not None else []
            ends += [f"≤ {bound.most:g}"] if bound.most is not None else []
            if value is not None:
                yield same(re.sub("[_.]", " ", bound.number)), value, same(", ".join(ends))


def _curves(results: Results, plots: dict[str, Plot]) -> Iterator[tuple[str, Both]]:
    """Training losses of the single-task runs and the reference run, where their histories are."""
    plan, reference = results.plan, results.plan.replication.reference
    for task in plan.runs[reference].tasks:
        runs = (plan.single_of(task, reference), reference)
        kept = [
            [s for s in plan.seed_numbers if (results.run_folder(run, s) / "history.csv").is_file()]
            for run in runs
        ]
        if not all(kept):
            continue
        single, joint = (
            [results.loss(run, seed, task) for seed in seeds]
            for run, seeds in zip(runs, kept, strict=True)
        )
        place = f"curve-{plan.name}-{task}"
        title = both(plan.runs[reference].title, reference)
        plots[place] = curve_plot(single, joint, title)
        yield place, _task(task)


def value_rows(results: Results) -> Iterator[View]:
    """A row of the table of all runs per run, condition, split, task and metric."""
    plan = results.plan
    key = ["run", "role", "condition", "split", "task", "metric", "unit"]
    found = results.runs.groupby(key, sort=False, dropna=False)["value"]
    table = found.agg(["mean", "std", "count"]).reset_index()
    for row in table.itertuples():
        if row.run not in plan.runs or plan.runs[row.run].of:
            continue  # shown where it is trained
        yield {
            "replication": both(plan.replication.korean, plan.replication.title),
            "run": both(plan.replication.runs[base_of(row.run)].title, base_of(row.run)),
            "role": _ROLES[row.role],
            "along": same(f"{written(plan.runs[row.run].axis)} {row.condition}".strip()),
            "split": _SPLITS[row.split],
            "task": _task(row.task),
            "metric": both(*(metric_name(row.task, row.metric, flag) for flag in (False, True))),
            "unit": same(str(row.unit)),
            "mean": row.mean,
            "sd": _finite(row.std),
            "seeds": row.count,
        }


def cost_rows(results: Results) -> Iterator[View]:
    """A row of the table of costs per run at its usual size."""
    plan = results.plan
    for run, row in results.costs.iterrows():
        name = str(run)
        if name in plan.runs and not plan.runs[name].axis and not plan.runs[name].of:
            yield {
                "replication": both(plan.replication.korean, plan.replication.title),
                "run": both(plan.runs[name].title, name),
                "role": _ROLES[plan.runs[name].role],
                **{cost: row[cost] for cost in (*_COSTS, "training_s", "peak_memory_mb")},
            }


def provenance_view(results: Results) -> View:
    """What the trainings were made from, and the command of each run's first seed."""
    plan = results.plan
    listed = results.folder / "provenance.csv"
    table = pd.read_csv(listed) if listed.is_file() else pd.DataFrame(origins(plan, results.folder))
    lent = [run for run, spec in plan.runs.items() if spec.of]
    trained = table[(table["role"] != "experiment") & ~table["run"].isin(lent)]
    first = trained[trained["seed"] == plan.first_seed]
    versions = [column for column in table if column in _VERSIONS]
    return {
        "trainings": len(trained),
        "versions": {name: _values(trained, name) for name in versions},
        "source": _values(trained, "source_hash"),
        "data": [v for name in trained if name.startswith("data_") for v in _values(trained, name)],
        "commands": dict(zip(first["run"], first["command"], strict=True)),
    }


def _values(table: pd.DataFrame, column: str) -> list[str]:
    return [str(value) for value in table[column].dropna().unique()]


def _task(task: str) -> Both:
    return both(task_name(task), task_name(task, english=True))
