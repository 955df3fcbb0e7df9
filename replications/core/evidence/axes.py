"""Values along axes and under conditions: what a run measures against what it is trained or
evaluated at."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, FULL_WIDTH, MARKERS, MM
from replications.core.evidence.naming import axis_name, metric_name, task_name, unit_name
from replications.core.evidence.study import Results
from replications.core.spec import ALL_TASKS, DELTA_METRICS, base_of, written
from replications.core.spec.layout import GAIN_AXES, gain_axes
from replications.core.spec.training import value_at


@dataclass(frozen=True)
class Line:
    """A run's primary metric of a task along an axis or under the values of a condition; `table`
    has mean, low and high by value."""

    at: str
    task: str
    run: str
    table: pd.DataFrame


def lines(results: Results) -> Iterator[Line]:
    """Every run along every axis and condition that it has several values of: its primary metrics,
    and delta_m of one with several tasks."""
    plan = results.plan
    metrics = plan.replication.headline | {ALL_TASKS: DELTA_METRICS["per_task_primary"]}
    for run, spec in plan.runs.items():
        gain = [ALL_TASKS] if spec.role == "multi" else []
        for task in [*spec.tasks, *gain] if not spec.axis else []:
            metric = metrics[task]
            for axis in plan.axes_of(run):
                at = {value: ("", name) for value, name in plan.along(run, axis).items()}
                if len(table := _values(results, at, task, metric)):
                    yield Line(axis, task, run, table)
            for condition, values in plan.settings.at.items():
                at = {value: (written({condition: value}), run) for value in values}
                if len(table := _values(results, at, task, metric)):
                    yield Line(condition, task, run, table)


def _values(
    results: Results, at: dict[float, tuple[str, str]], task: str, metric: str
) -> pd.DataFrame:
    columns = ["mean", "low", "high"]
    places = {value: (*place, task, metric) for value, place in at.items()}
    # Of delta_m there is none relative to a metric that is 0.
    rows = {v: results.under.loc[p, columns] for v, p in places.items() if p in results.under.index}
    return pd.DataFrame(rows, index=columns).T.astype(float).sort_index()


def axes_figure(results: Results) -> Figure:
    """A row per axis or condition, a panel per task, a line per run; bands are 95 % intervals."""
    found = list(lines(results))
    places = list(dict.fromkeys(line.at for line in found))
    tasks = list(dict.fromkeys(line.task for line in found))
    runs = list(dict.fromkeys(base_of(line.run) for line in found))
    figure, grid = plt.subplots(
        len(places),
        len(tasks),
        figsize=(COLUMN if len(tasks) < 4 else FULL_WIDTH, (10 + 30 * len(places)) * MM),
        layout="constrained",
        squeeze=False,
    )
    for line in found:
        axis = grid[places.index(line.at), tasks.index(line.task)]
        index = runs.index(line.run)
        _draw(axis, line.table, index, results.plan.runs[line.run].title)
    for row, place in zip(grid, places, strict=True):
        for axis, task in zip(row, tasks, strict=True):
            if not axis.lines:  # no run of the task is laid out there
                axis.set_visible(False)
                continue
            axis.set_xlabel(axis_name(place), fontsize=7)
            _at_doublings(axis)
            axis.set_title(_title(results, task), fontsize=7)
            if task == ALL_TASKS:
                axis.axhline(0, color="0.5", lw=0.8, zorder=0)
    legend_above(figure)
    return figure


def gain_figure(results: Sequence[Results]) -> Figure:
    """delta_m of the reference run of every replication, against the share of training samples that
    have labels and against the width of the shared trunk, as a share of the study's; bands are 95 %
    intervals."""
    figure, (labels, widths) = plt.subplots(
        1, 2, figsize=(COLUMN, 0.4 * COLUMN), layout="constrained", sharey=True
    )
    for index, one in enumerate(results):
        plan, reference = one.plan, one.plan.replication.reference
        for line in lines(one):
            if line.run == reference and line.task == ALL_TASKS and line.at in gain_axes(plan):
                axis = labels if line.at == GAIN_AXES[0] else widths
                own = line.table.set_index(line.table.index / value_at(plan.settings, line.at))
                _draw(axis, own, index, plan.replication.korean)
    for axis, name in ((labels, axis_name(GAIN_AXES[0])), (widths, "공유 신경망의 폭 (배)")):
        axis.set_visible(bool(axis.lines))
        axis.set_xlabel(name, fontsize=7)
        _at_doublings(axis)
        axis.axhline(0, color="0.5", lw=0.8, zorder=0)
    labels.set_ylabel(r"$\Delta_m$ (%)")
    legend_above(figure)
    return figure


def _draw(axis: Axes, table: pd.DataFrame, index: int, label: str) -> None:
    """A line and its band, as far as its intervals have bounds; `index`: which of several."""
    colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
    axis.plot(table.index, table["mean"], label=label, color=colour, marker=marker, lw=1, ms=3)
    if table[["low", "high"]].abs().max().max() < float("inf"):
        axis.fill_between(table.index, table["low"], table["high"], color=colour, alpha=0.15, lw=0)


def _at_doublings(axis: Axes) -> None:
    """Ticks at the values that the lines have, evenly apart where each is twice the one before."""
    values = sorted({*itertools.chain(*(np.asarray(line.get_xdata()) for line in axis.lines))})
    if not values or values[0] <= 0:
        return
    axis.set_xscale("log", base=2)
    axis.set_xticks(values, [f"{value:g}" for value in values])
    axis.minorticks_off()


def legend_above(figure: Figure, fontsize: float = 7) -> None:
    """The runs of all panels, above them."""
    handles = {
        label: handle
        for axis in figure.axes
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside upper center",
        ncols=3,
        frameon=False,
        fontsize=fontsize,
    )


def _title(results: Results, task: str) -> str:
    if task == ALL_TASKS:
        return r"$\Delta_m$ (%)"
    metric = results.plan.replication.headline[task]
    unit = unit_name(str(results.under.xs(metric, level="metric")["unit"].iloc[0]))
    return f"{task_name(task)} {metric_name(task, metric)} ({unit})".replace(r"\%", "%")
