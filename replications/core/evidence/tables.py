"""LaTeX tables (booktabs, siunitx) of one replication."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from replications.core.evidence.naming import metric_name, task_name, unit_name
from replications.core.evidence.study import Results
from replications.core.spec import ALL_TASKS, DELTA_METRICS, Plan


@dataclass(frozen=True)
class Row:
    """A line of the table: one multi-task run, or the single-task runs that go together."""

    title: str
    runs: tuple[str, ...]


def rows(plan: Plan) -> list[Row]:
    """The lines of the runs that the replication wants in the table.

    Single-task runs with the same labels, changes to the model and beginning share a line, each
    with a column of its own, and are called by what follows the comma in their titles. Runs that
    are laid out along axes are in the figure of axes.
    """
    together: dict[str, list[str]] = {}
    wanted = plan.replication.table or [run for run in plan.runs if not plan.runs[run].axis]
    for name in [run for run in wanted if run in plan.runs]:
        run = plan.runs[name]
        likeness = (
            f"{run.labels} {run.model} {run.settings} {run.loss_scale} {bool(run.needs)}"
            if run.role == "single"
            else name
        )
        together.setdefault(likeness, []).append(name)
    return [Row(_title(plan, names), tuple(names)) for names in together.values()]


def _title(plan: Plan, runs: Sequence[str]) -> str:
    titles = [plan.runs[run].title for run in runs]
    if len(titles) == 1:
        return titles[0]
    kinds = {title.partition(", ")[2] for title in titles}
    return ", ".join(["단일 작업", *(kinds if len(kinds) == 1 and "" not in kinds else ())])


def results_table(results: Results) -> str:
    """Metrics on the test split (mean ± sd over seeds), delta_m, size; then as reported; below them
    the floors.

    The best mean of a column, of all runs of the study, is bold. A run at its floor has a dagger,
    and a delta_m that is not meaningful is not printed.
    """
    metrics = _columns(results)
    reported = [m for m in metrics if _reported(results, results.plan.runs, m) is not None]
    last_measured, first_reported = 1 + 2 * len(metrics), 4 + 2 * len(metrics)
    headings = [
        "실행",
        *(rf"\multicolumn{{2}}{{c}}{{{_heading(results, metric)}}}" for metric in metrics),
        r"\shortstack{$\Delta_m$\\(\%)}",
        r"\shortstack{매개변수\\(천 개)}",
        *(_short(metric) for metric in reported),
    ]
    groups = rf" & \multicolumn{{{2 * len(metrics)}}}{{c}}{{측정값 (평균 $\pm$ 표준편차)}} & &"
    rules = rf"\cmidrule(lr){{2-{last_measured}}}"
    if reported:
        groups += rf" & \multicolumn{{{len(reported)}}}{{c}}{{원 논문의 보고값}}"
        rules += rf"\cmidrule(l){{{first_reported}-{first_reported + len(reported) - 1}}}"
    lines = [
        rf"\begin{{tabular}}{{@{{}}l*{{{len(metrics)}}}{{r@{{$\,\pm\,$}}l}}rr"
        rf"*{{{len(reported)}}}{{r}}@{{}}}}",
        r"\toprule",
        groups + r" \\",
        rules,
        " & ".join(headings) + r" \\",
        r"\midrule",
        *(_line(results, row, metrics, reported) for row in rows(results.plan)),
        r"\midrule",
        _floor_line(results, metrics, len(reported)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _columns(results: Results) -> list[tuple[str, str]]:
    """(task, metric) of the columns; none for what the study does not measure, as delta_m where a
    single-task metric is 0."""
    measured = results.test.index.droplevel("run")
    pairs = (column.partition(".") for column in results.plan.replication.columns)
    return [(task, metric) for task, _, metric in pairs if (task, metric) in measured]


def _heading(results: Results, metric: tuple[str, str]) -> str:
    lines = r"\\".join(heading(results, metric))
    return rf"\shortstack{{{lines}}}"


def heading(results: Results, metric: tuple[str, str]) -> tuple[str, str, str]:
    """Task, metric with its direction, and unit."""
    cell = results.test.xs(metric, level=("task", "metric")).iloc[0]
    arrow = r"$\uparrow$" if cell["higher_is_better"] else r"$\downarrow$"
    task, name = _names(metric)
    return task, f"{name} {arrow}", f"({unit_name(str(cell['unit']))})"


def _short(metric: tuple[str, str]) -> str:
    task, name = _names(metric)
    return rf"\shortstack{{{task}\\{name}}}"


def _names(metric: tuple[str, str]) -> tuple[str, str]:
    """Task and metric, without the 분할 every segmentation would repeat."""
    task, name = metric
    return task_name(task).removesuffix(" 분할"), metric_name(task, name)


def _line(
    results: Results,
    row: Row,
    metrics: Sequence[tuple[str, str]],
    reported: Sequence[tuple[str, str]],
) -> str:
    cells = [row.title]
    cells += [_measured(results, row.runs, metric) for metric in metrics]
    delta = results.delta
    own = delta[delta["run"].isin(row.runs) & (delta["definition"] == "per_task_primary")]
    cells.append(relative(own) if len(own) else "")
    parameters = results.costs.loc[list(row.runs), "parameters"].sum()
    cells.append(rf"\num{{{parameters / 1e3:.0f}}}")
    for metric in reported:
        value = _reported(results, row.runs, metric)
        cells.append("" if value is None else rf"\num{{{value:g}}}")
    return " & ".join(cells) + r" \\"


def relative(delta: pd.DataFrame) -> str:
    """The mean of rows of delta_m, or that it means nothing."""
    if not delta["meaningful"].all():
        return "무의미"
    return rf"\num{{{delta['value'].mean():+.1f}}}"


def _floor_line(results: Results, metrics: Sequence[tuple[str, str]], reported: int) -> str:
    cells = ["바닥"]
    for task, metric in metrics:
        floor = results.floors.of(task, metric)
        digits = decimals(results.test.xs((task, metric), level=("task", "metric"))["mean"])
        shown = "" if floor is None else rf"\num{{{floor:.{digits}f}}}"
        cells.append(rf"\multicolumn{{2}}{{c}}{{{shown}}}")
    return " & ".join(cells + [""] * (2 + reported)) + r" \\"


def _measured(results: Results, runs: Sequence[str], metric: tuple[str, str]) -> str:
    """Two cells: mean and spread."""
    of_metric = results.test.xs(metric, level=("task", "metric"))
    own = of_metric[of_metric.index.isin(runs)]
    if not len(own):
        return r"\multicolumn{2}{c}{}"
    if metric[0] == ALL_TASKS and not _is_meaningful(results, str(own.index[0]), metric[1]):
        return r"\multicolumn{2}{c}{무의미}"
    cell, means = own.iloc[0], of_metric["mean"]
    best = means.max() if cell["higher_is_better"] else means.min()
    digits = decimals(means)
    mean = rf"\num{{{cell['mean']:.{digits}f}}}"
    if cell["mean"] == best:
        mean = rf"\textbf{{{mean}}}"
    spread = rf"\num{{{cell['spread']:.{digits}f}}}"
    return f"{mean} & {spread}{dagger(results, str(own.index[0]), metric[0])}"


def dagger(results: Results, run: str, task: str) -> str:
    """The mark of a run that is at its floor."""
    return "" if results.floors.none_of({run}, task) else r"$^{\dagger}$"


def _is_meaningful(results: Results, run: str, metric: str) -> bool:
    """Whether delta_m of a run, as a metric of all tasks, means anything."""
    definitions = {name: definition for definition, name in DELTA_METRICS.items()}
    delta = results.delta[results.delta["definition"] == definitions[metric]]
    return bool(delta.loc[delta["run"] == run, "meaningful"].all())


def decimals(values: pd.Series) -> int:
    """Decimals for the size of the median: none from 1000 on, 1 above 10, 2 above 1, 3 below."""
    size = values.abs().median()
    return sum(size < bound for bound in (1000, 10, 1))


def _reported(results: Results, runs: Collection[str], metric: tuple[str, str]) -> float | None:
    """What the paper reports for one of the runs."""
    table = results.reported
    chosen = table[(table["task"] == metric[0]) & (table["metric"] == metric[1])]
    chosen = chosen[chosen["run"].isin(list(runs))]
    return float(chosen["value"].iloc[0]) if len(chosen) else None
