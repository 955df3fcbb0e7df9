"""LaTeX tables (booktabs, siunitx) of one replication."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from replications.core.evidence.naming import metric_name, task_name, unit_name
from replications.core.evidence.study import Results


def results_table(results: Results) -> str:
    """Every run: metrics on the test split (mean ± sd over seeds), delta_m, size; then as reported.

    The best mean of a column is bold.
    """
    metrics = _columns(results)
    reported = [m for m in metrics if _reported(results, "", m) is not None]
    last_measured, first_reported = 1 + 2 * len(metrics), 5 + 2 * len(metrics)
    last_reported = first_reported + len(reported) - 1
    headings = [
        "실행",
        *(rf"\multicolumn{{2}}{{c}}{{{_heading(results, metric)}}}" for metric in metrics),
        r"\shortstack{$\Delta_m$\\(\%)}",
        r"\shortstack{매개\\변수}",
        r"\shortstack{절감\\(\%)}",
        *(_short(metric) for metric in reported),
    ]
    lines = [
        rf"\begin{{tabular}}{{@{{}}l*{{{len(metrics)}}}{{r@{{$\,\pm\,$}}l}}rrr"
        rf"*{{{len(reported)}}}{{r}}@{{}}}}",
        r"\toprule",
        rf" & \multicolumn{{{2 * len(metrics)}}}{{c}}{{측정값 (평균 $\pm$ 표준편차)}}"
        rf" & & & & \multicolumn{{{len(reported)}}}{{c}}{{논문 보고값}} \\",
        rf"\cmidrule(lr){{2-{last_measured}}}\cmidrule(l){{{first_reported}-{last_reported}}}",
        " & ".join(headings) + r" \\",
        r"\midrule",
        *(_row(results, run, metrics, reported) for run in results.plan.runs),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _columns(results: Results) -> list[tuple[str, str]]:
    """(task, metric) of the columns; what the study does not measure has none."""
    columns = [column.partition(".")[::2] for column in results.plan.replication.columns]
    measured = results.test.index.droplevel("run")
    return [column for column in columns if column in measured]


def _heading(results: Results, metric: tuple[str, str]) -> str:
    cell = results.test.xs(metric, level=("task", "metric")).iloc[0]
    arrow = r"$\uparrow$" if cell["higher_is_better"] else r"$\downarrow$"
    unit = unit_name(str(cell["unit"]))
    task, name = _names(metric)
    return rf"\shortstack{{{task}\\{name} {arrow}\\({unit})}}"


def _short(metric: tuple[str, str]) -> str:
    task, name = _names(metric)
    return rf"\shortstack{{{task}\\{name}}}"


def _names(metric: tuple[str, str]) -> tuple[str, str]:
    """Task and metric, without the 분할 every segmentation would repeat."""
    task, name = metric
    return task_name(task).removesuffix(" 분할"), metric_name(name)


def _row(
    results: Results,
    run: str,
    metrics: Sequence[tuple[str, str]],
    reported: Sequence[tuple[str, str]],
) -> str:
    cells = [results.plan.runs[run].title]
    cells += [_measured(results, run, metric) for metric in metrics]
    delta = results.delta
    own = delta[(delta["run"] == run) & (delta["definition"] == "per_task_primary")]["value"]
    cells.append(rf"\num{{{own.mean():+.1f}}}" if len(own) else "")
    cells.append(_count(results.costs.loc[run, "parameters"]))
    single = results.plan.runs[run].role == "single"
    cells.append("" if single else rf"\num{{{results.saved(run, 'parameters'):.0f}}}")
    for metric in reported:
        value = _reported(results, run, metric)
        cells.append("" if value is None else rf"\num{{{value:g}}}")
    return " & ".join(cells) + r" \\"


def _measured(results: Results, run: str, metric: tuple[str, str]) -> str:
    """Two cells: mean and spread."""
    if (run, *metric) not in results.test.index:
        return r"\multicolumn{2}{c}{}"
    cell = results.test.loc[(run, *metric)]
    of_metric = results.test.xs(metric, level=("task", "metric"))["mean"]
    best = of_metric.max() if cell["higher_is_better"] else of_metric.min()
    digits = decimals(of_metric)
    mean = rf"\num{{{cell['mean']:.{digits}f}}}"
    if cell["mean"] == best:
        mean = rf"\textbf{{{cell['mean']:.{digits}f}}}"
    return rf"{mean} & \num{{{cell['spread']:.{digits}f}}}"


def _count(parameters: float) -> str:
    """In millions, or in thousands where there are few."""
    scale, unit = (1e6, "M") if parameters >= 1e5 else (1e3, "k")
    return rf"\num{{{parameters / scale:.2f}}}\,{unit}"


def decimals(values: pd.Series) -> int:
    """Decimals that leave about three digits: 1 above 10, 2 above 1, 3 below."""
    size = values.abs().max()
    return 1 if size >= 10 else 2 if size >= 1 else 3


def _reported(results: Results, run: str, metric: tuple[str, str]) -> float | None:
    """What the paper reports for a run; for an empty name, any value of the metric."""
    table = results.reported
    chosen = table[(table["task"] == metric[0]) & (table["metric"] == metric[1])]
    chosen = chosen[chosen["run"] == run] if run else chosen
    return float(chosen["value"].iloc[0]) if len(chosen) else None
