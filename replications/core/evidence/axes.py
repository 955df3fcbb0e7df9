"""Values along axes and under conditions: what a run measures against what it is trained or
evaluated at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, MARKERS, MM
from replications.core.evidence.naming import metric_name, task_name, unit_name
from replications.core.evidence.study import Results
from replications.core.spec import base_of, written


@dataclass(frozen=True)
class Line:
    """A run's primary metric of a task along an axis or under the values of a condition; `table`
    has mean, low and high by value."""

    at: str
    task: str
    run: str
    table: pd.DataFrame


def lines(results: Results) -> Iterator[Line]:
    """Every run along every axis and condition that it has several values of."""
    plan = results.plan
    for run, spec in plan.runs.items():
        for task in spec.tasks if not spec.axis else []:
            metric = plan.replication.headline[task]
            for axis in plan.axes_of(run):
                at = {value: ("", name) for value, name in plan.along(run, axis).items()}
                yield Line(axis, task, run, _values(results, at, task, metric))
            for condition, values in plan.settings.at.items():
                at = {value: (written({condition: value}), run) for value in values}
                yield Line(condition, task, run, _values(results, at, task, metric))


def _values(
    results: Results, at: dict[float, tuple[str, str]], task: str, metric: str
) -> pd.DataFrame:
    rows = {value: results.under.loc[(*place, task, metric)] for value, place in at.items()}
    return pd.DataFrame(rows).T[["mean", "low", "high"]].astype(float).sort_index()


def axes_figure(results: Results) -> Figure:
    """A row per axis or condition, a panel per task, a line per run; bands are 95 % intervals."""
    found = list(lines(results))
    places = list(dict.fromkeys(line.at for line in found))
    tasks = list(dict.fromkeys(line.task for line in found))
    runs = list(dict.fromkeys(base_of(line.run) for line in found))
    figure, grid = plt.subplots(
        len(places),
        len(tasks),
        figsize=(COLUMN, (10 + 30 * len(places)) * MM),
        layout="constrained",
        squeeze=False,
    )
    for line in found:
        axis = grid[places.index(line.at), tasks.index(line.task)]
        index = runs.index(line.run)
        look = {"color": COLOURS[index % 7], "marker": MARKERS[index % 7], "lw": 1, "ms": 3}
        label = results.plan.runs[line.run].title
        axis.plot(line.table.index, line.table["mean"], label=label, **look)
        bounded = line.table[["low", "high"]].abs().max().max() < float("inf")
        if bounded:
            band = {"color": look["color"], "alpha": 0.15, "lw": 0}
            axis.fill_between(line.table.index, line.table["low"], line.table["high"], **band)
    for row, place in zip(grid, places, strict=True):
        for axis, task in zip(row, tasks, strict=True):
            if not axis.lines:  # no run of the task is laid out there
                axis.set_visible(False)
                continue
            axis.set_xlabel(place, fontsize=7)
            values = axis.lines[0].get_xdata()
            if min(values) > 0:
                axis.set_xscale("log")
                axis.set_xticks(values, minor=False)
                axis.xaxis.set_major_formatter("{x:g}")
                axis.minorticks_off()
            metric = results.plan.replication.headline[task]
            unit = unit_name(str(results.under.xs(metric, level="metric")["unit"].iloc[0]))
            name = metric_name(task, metric)
            axis.set_title(f"{task_name(task)} {name} ({unit})".replace(r"\%", "%"), fontsize=7)
    handles = {
        label: h for a in grid.flat for h, label in zip(*a.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside upper center",
        ncols=3,
        frameon=False,
        fontsize=7,
    )
    return figure
