"""Replications that are like one another, side by side: what each way gains and costs.

They have the same tasks, and each is compared with single-task runs that were trained for as many
steps, so what they gain can be read in one table, and the best of them lie on one front.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from replications.core.drawing import COLUMN, MM, heatmap, save, style
from replications.core.evidence.front_figure import front, front_figure
from replications.core.evidence.ladder import AGAINST, run_at_budget, sides_of
from replications.core.evidence.ladder_figure import ways_ladder_figure
from replications.core.evidence.naming import task_name
from replications.core.evidence.pays import task_comparisons
from replications.core.evidence.statistics import interval, seeds_needed
from replications.core.evidence.study import Results
from replications.core.evidence.tables import rows
from replications.core.files import replacing, write_text
from replications.core.spec import Plan, written

_STRONG = 20.0
"""Percent of gain or loss from which on a colour does not deepen."""
_COSTS = {"parameters": "매개변수", "flops": "연산량", "latency_ms": "지연", "training_s": "학습"}


def compare_ways(results: Sequence[Results], folder: Path) -> list[tuple[str, str]]:
    """Write table and figure into the folder of the family; returns (key, sentence) of them."""
    table, tasks = ways_table(results), tasks_of(results[0].plan)
    with replacing(folder / "ways.csv") as temporary:
        table.to_csv(temporary, index=False)
    write_text(folder / "table_ways.tex", ways_latex(table, tasks))
    with mpl.rc_context(style()):
        save(front_figure(table), folder / "figure_front")
        save(ways_ladder_figure(gains_at_budgets(results)), folder / "figure_ways_ladder")
        save(transfer_figure(results), folder / "figure_transfer")
    return [*way_sentences(results, table)]


def ways_table(results: Sequence[Results]) -> pd.DataFrame:
    """A row for each line of the first replication's table, which the others are like, and for the
    reference run of each other.

    What begins with trained networks is compared with single-task runs that were trained on, all
    else with those of the first line. Columns: `number` from 0, the single-task runs; `title`;
    `parameters`; `delta_m` (`per_task_primary`) with `low` and `high`, and `<task>`, `<task>_low`,
    `<task>_high` for each task's part of it, in percent, with 95 % intervals over seeds;
    `<cost>_saved` in percent of the single-task runs together; `gap`, by how many percent training
    samples are better than test samples, the mean over tasks; `reached`, the share of tasks and
    seeds that reach the final validation value of the single-task run that matches, and `share`, at
    which part of its steps, a median.
    """
    singles = next(_lines(results[0].plan))[1]
    found = [_way(one, title, runs, singles) for one in results for title, runs in _lines(one.plan)]
    return pd.DataFrame(found).rename_axis("number").reset_index()


def gains_at_budgets(results: Sequence[Results]) -> pd.DataFrame:
    """The mean `delta_m` of a line of the table, by its `number`, after each budget (`steps`); of
    lines whose runs, and their single-task runs, were trained for all budgets."""
    singles = next(_lines(results[0].plan))[1]
    lines = [(one, runs) for one in results for _, runs in _lines(one.plan)]
    found: list[dict[str, float]] = []
    for number, (one, by_task) in enumerate(lines):
        plan = one.plan
        at = {
            steps: [
                {task: run_at_budget(plan, run, steps) for task, run in runs.items()}
                for runs in (by_task, singles)
            ]
            for steps in plan.budgets
        }
        trained = {run for pair in at.values() for runs in pair for run in runs.values()}
        if number == 0 or not trained <= set(plan.runs):
            continue
        for steps, (runs, alone) in at.items():
            gains = _gains(one, runs, _alike(plan, runs, alone))
            mean = float(np.mean([*gains.values()]))
            found.append({"number": number, "steps": steps, "delta_m": mean})
    return pd.DataFrame(found, columns=["number", "steps", "delta_m"])


def tasks_of(plan: Plan) -> list[str]:
    """The tasks that all of them have: those of the reference run."""
    return plan.runs[plan.replication.reference].tasks


def _lines(plan: Plan) -> Iterator[tuple[str, dict[str, str]]]:
    """Titles, and the run of each task."""
    reference = plan.replication.reference
    if plan.lender:
        yield plan.replication.korean, dict.fromkeys(tasks_of(plan), reference)
        return
    for row in rows(plan):
        by_task = {task: run for run in row.runs for task in plan.runs[run].tasks}
        if {*by_task} == {*tasks_of(plan)}:
            yield row.title, by_task


def _way(
    results: Results, title: str, by_task: Mapping[str, str], singles: Mapping[str, str]
) -> dict[str, object]:
    plan, costs = results.plan, results.costs
    runs = list(dict.fromkeys(by_task.values()))
    row: dict[str, object] = {"replication": plan.name, "title": title, "runs": "+".join(runs)}
    row["parameters"] = costs.loc[runs, "parameters"].sum()
    alike = _alike(plan, by_task, singles)
    gains = _gains(results, by_task, alike)
    for name, gain in {"delta_m": np.mean([*gains.values()], axis=0), **gains}.items():
        ends = interval(gain.tolist())
        row |= {name: float(gain.mean())}
        row |= dict(zip(_ends(name), ends, strict=True))
    for cost in _COSTS:
        separate = costs.loc[[*alike.values()], cost].sum()
        if cost == "latency_ms" and len(runs) == 1:
            separate = costs.loc[runs[0], "latency_separate_ms"]
        row[f"{cost}_saved"] = float(100 * (1 - costs.loc[runs, cost].sum() / separate))
    row["gap"] = float(np.mean([_gap(results, run, task) for task, run in by_task.items()]))
    reaching = results.reaching[results.reaching["run"].isin(runs)]
    row["reached"] = reaching["reached"].sum() / reaching["seeds"].sum() if len(reaching) else None
    row["share"] = reaching["share"].median() if len(reaching) else None
    return row


def _alike(plan: Plan, by_task: Mapping[str, str], singles: Mapping[str, str]) -> dict[str, str]:
    """The single-task run that each run is compared with on its task."""
    return {
        task: plan.single_of(task, run) if plan.runs[run].role == "multi" else singles[task]
        for task, run in by_task.items()
    }


def _gains(
    results: Results, by_task: Mapping[str, str], alike: Mapping[str, str]
) -> dict[str, Any]:
    """Each task's change of the primary metric, in percent, by seed."""
    headline = results.plan.replication.headline
    return {
        task: results.values.gain(run, alike[task], task, headline[task])
        for task, run in by_task.items()
    }


def _gap(results: Results, run: str, task: str) -> float:
    table = results.overfitting
    here = table["axis"].astype(object).fillna("") == written(results.plan.axes_of(run))
    return float(table.loc[here & (table["run"] == run) & (table["task"] == task), "gap"].iloc[0])


def _ends(name: str) -> tuple[str, str]:
    return ("low", "high") if name == "delta_m" else (f"{name}_low", f"{name}_high")


def ways_latex(table: pd.DataFrame, tasks: Sequence[str]) -> str:
    """The table of the paper; changes whose interval excludes 0 are bold, losses among them with a
    double dagger."""
    names = [task_name(task).removesuffix(" 분할") for task in tasks]
    lines = [
        rf"\begin{{tabular}}{{@{{}}rlr@{{$\,\pm\,$}}l*{{{len(tasks)}}}{{r}}r*{{4}}{{r}}rr@{{}}}}",
        r"\toprule",
        rf" & & \multicolumn{{2}}{{c}}{{$\Delta_m$}} & \multicolumn{{{len(tasks)}}}{{c}}"
        r"{작업별 변화 (\%)} & 매개변수 & \multicolumn{4}{c}{절감 (\%)} & 격차 & 도달 \\",
        rf"\cmidrule(lr){{5-{4 + len(tasks)}}}\cmidrule(lr){{{6 + len(tasks)}-{9 + len(tasks)}}}",
        " & ".join(
            [
                *("", "공유 방식", r"\multicolumn{2}{c}{(\%)}", *names),
                *("(천 개)", *_COSTS.values(), r"(\%)", r"(\%)"),
            ]
        )
        + r" \\",
        r"\midrule",
    ]
    for row in table.to_dict("records"):
        alone = row["number"] == 0
        change = [_change(row, task) for task in tasks]
        half = row["high"] - row["delta_m"]
        gain = [rf"\num{{{row['delta_m']:+.1f}}}", rf"\num{{{half:.1f}}}" if half < np.inf else ""]
        cells = [r"\multicolumn{2}{c}{}", *[""] * len(tasks)] if alone else [*gain, *change]
        cells = ["" if alone else str(row["number"]), str(row["title"]), *cells]
        cells.append(rf"\num{{{row['parameters'] / 1e3:.0f}}}")
        cells += ["" if alone else rf"\num{{{row[f'{cost}_saved']:.0f}}}" for cost in _COSTS]
        reached = "" if pd.isna(row["reached"]) else rf"\num{{{100 * row['reached']:.0f}}}"
        cells += [rf"\num{{{row['gap']:.1f}}}", reached]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _change(row: Mapping[str, float], task: str) -> str:
    shown = rf"\num{{{row[task]:+.1f}}}"
    if row[f"{task}_low"] > 0:
        return rf"\textbf{{{shown}}}"
    return rf"{shown}$^{{\ddagger}}$" if row[f"{task}_high"] < 0 else shown


def transfer_figure(results: Sequence[Results]) -> Figure:
    """What every task gains or loses by the others: a row for the reference run of each way, and
    below them for the runs of other tasks."""
    ways: dict[str, dict[str, float]] = {}
    other_tasks: dict[str, dict[str, float]] = {}
    for one in results:
        plan, headline = one.plan, one.plan.replication.headline
        for run, spec in plan.runs.items():
            if spec.role == "single" or spec.of or spec.axis:
                continue
            gains = {
                task: float(
                    one.values.gain(run, plan.single_of(task, run), task, headline[task]).mean()
                )
                for task in spec.tasks
            }
            if run == plan.replication.reference:
                ways[plan.replication.korean] = gains
            elif {*spec.tasks} != {*tasks_of(plan)}:
                other_tasks[spec.title] = gains
    table = pd.DataFrame(ways | other_tasks).T
    tasks = [task for task in results[0].plan.replication.headline if task in table]
    figure, axis = plt.subplots(figsize=(COLUMN, (8 + 4.2 * len(table)) * MM), layout="constrained")
    names = [task_name(task).removesuffix(" 분할") for task in tasks]
    values = table[tasks].to_numpy(float)
    heatmap(axis, values, list(table.index), names, "RdBu", (-_STRONG, _STRONG), "{:+.1f}")
    axis.xaxis.tick_top()
    return figure


def way_sentences(results: Sequence[Results], table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Which ways lose on no task, how many lose on each, and which lie on the front; of losses only
    where there are seeds enough for verdicts, by the joint test of a way's tasks."""
    tasks = tasks_of(results[0].plan)
    known = [one for one in results if one.plan.seeds >= seeds_needed(len(tasks))]
    lost: dict[str, list[str]] = {}
    for one in known:
        compared = task_comparisons(one, one.plan.replication.reference)
        sides = sides_of(one.plan, compared, one.values)
        own = [c.task for c, side in zip(compared, sides, strict=True) if side.settled == AGAINST]
        lost[one.plan.replication.korean] = own
    found = [*lost.values()]
    counts = ", ".join(f"{task_name(t)} {sum(t in own for own in found)}개" for t in tasks)
    kept = [name for name, own in lost.items() if not own]
    unharmed = f"것은 {'·'.join(kept)}이다" if kept else "방식은 없다"
    yield (
        "sentence.ways.negative",
        f"단일 작업 모델보다 나빠졌다고 인정된 방식은 {len(known)}개 가운데 작업별로 {counts}이고, "
        f"어느 작업에서도 손실이 인정되지 않은 {unharmed}."
        if known
        else "단일 작업 모델보다 나빠진 방식이 있는지는 이 연구의 시드 수로는 답할 수 없다.",
    )
    yield (
        "sentence.ways.front",
        "매개변수 절감과 $\\Delta_m$의 파레토 경계에 놓이는 것은 "
        f"{'·'.join(front(table)['title'])}이다.",
    )
