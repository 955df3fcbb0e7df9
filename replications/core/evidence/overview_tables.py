"""LaTeX tables of all replications together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from replications.core.evidence.naming import span, task_name
from replications.core.evidence.study import Results
from replications.core.evidence.tables import dagger, decimals, heading


def efficiency_table(
    table: pd.DataFrame, results: Sequence[Results], beside: Mapping[str, str]
) -> str:
    """The reference run of each replication: what it gains, what it saves; `beside`: the published
    gain by replication."""
    shown = any(beside.values())
    column, above, below = ("r", " & 공표 연구", r" & $\Delta_m$") if shown else ("", "", "")
    lines = [
        rf"\begin{{tabular}}{{@{{}}lr@{{$\,\pm\,$}}l{column}rrr@{{}}}}",
        r"\toprule",
        rf" & \multicolumn{{2}}{{c}}{{$\Delta_m$ (\%)}}{above}"
        r" & \multicolumn{3}{c}{절감 (\%)} \\",
        rf"\cmidrule(l){{{4 + shown}-{6 + shown}}}",
        rf"재현 & \multicolumn{{2}}{{c}}{{$\pm$ 95\,\% 구간}}{below} & 매개변수 & 연산량 & 지연 \\",
        r"\midrule",
    ]
    for one in results:
        plan = one.plan
        chosen = table["run"] == plan.replication.reference
        for row in table[chosen & (table["replication"] == plan.name)].itertuples():
            delta = rf"\num{{{row.delta_m:+.1f}}}"
            half = rf"\num{{{row.high - row.delta_m:.1f}}}" if row.seeds > 1 else ""
            gain = f"{delta} & {half}" if row.meaningful else r"\multicolumn{2}{c}{무의미}"
            saved = [
                rf"\num{{{getattr(row, cost + '_saved'):.0f}}}"
                for cost in ("parameters", "flops", "latency_ms")
            ]
            cells = [plan.replication.korean, gain, *([beside[plan.name]] if shown else []), *saved]
            lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def experiments_table(results: Sequence[Results]) -> str:
    """What each replication trains, but for how many seeds."""
    lines = [
        r"\begin{tabular}{@{}llrr@{}}",
        r"\toprule",
        r"재현 & 작업 & 실행 & 단계 (에폭) \\",
        r"\midrule",
    ]
    for one in results:
        plan = one.plan
        measured = {task for run in plan.runs.values() for task in run.tasks}
        named = [task_name(t) for t in plan.replication.headline if t in measured]
        tasks = "·".join(name.removesuffix(" 분할") for name in named)
        cells = [plan.replication.korean, tasks]
        steps = span(plan.budgets, ",")
        if passes := plan.epochs:
            epochs = [passes * budget / plan.settings.steps for budget in plan.budgets]
            steps += f" ({span(epochs, '.2g')})"
        runs = sum(not run.axis and not run.of for run in plan.runs.values())
        lines.append(" & ".join([*cells, str(runs), steps]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def tasks_table(results: Sequence[Results]) -> str:
    """The reference run of each replication beside the single-task runs, task by task: the headline
    metric on the test split (mean ± sd over seeds), and the gain of the mean in percent.

    A value of a run at its floor has a dagger.
    """
    pair = r"r@{$\,\pm\,$}l"
    lines = [
        rf"\begin{{tabular}}{{@{{}}l{pair}{pair}r@{{}}}}",
        r"\toprule",
        r"재현 / 작업 & \multicolumn{2}{c}{단일 작업} & \multicolumn{2}{c}{대표 모델}"
        r" & 이득 (\%) \\",
    ]
    for one in results:
        lines += [r"\midrule", rf"\multicolumn{{6}}{{@{{}}l}}{{{one.plan.replication.korean}}} \\"]
        lines += [
            _task_line(one, task) for task in one.plan.replication.headline if _has(one, task)
        ]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _has(results: Results, task: str) -> bool:
    return task in results.plan.runs[results.plan.replication.reference].tasks


def _task_line(results: Results, task: str) -> str:
    plan = results.plan
    metric, reference = plan.replication.headline[task], plan.replication.reference
    of_metric = results.test.xs((task, metric), level=("task", "metric"))
    single = plan.single_of(task, reference)
    digits = decimals(of_metric["mean"])
    cell = of_metric.loc[single]
    cells = [rf"\quad {' '.join(heading(results, (task, metric)))}"]
    for run in (single, reference):
        mean, spread = of_metric.loc[run, ["mean", "spread"]]
        cells.append(
            rf"\num{{{mean:.{digits}f}}} & \num{{{spread:.{digits}f}}}{dagger(results, run, task)}"
        )
    sign = 1 if cell["higher_is_better"] else -1
    gain = 100 * sign * (of_metric.loc[reference, "mean"] / cell["mean"] - 1)
    return " & ".join([*cells, rf"\num{{{gain:+.1f}}}"]) + r" \\"
