"""What one task gains where another loses: two primary metrics against each other along a rate."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, MARKERS, MM
from replications.core.evidence.axes import legend_above, lines
from replications.core.evidence.naming import metric_name, task_name, unit_name
from replications.core.evidence.study import Results


def tradeoff_figure(
    results: Results, along: Sequence[tuple[str, str]], runs: Sequence[str]
) -> Figure:
    """A panel for every axis or condition of `along`, with its label, that something is laid out
    along: the first task of the headline across, the second upwards, a line per run through the
    values, which the run of reference is annotated with. Grey: the single-task runs of both tasks,
    at the same values."""
    plan = results.plan
    keys = list(plan.replication.headline.items())[:2]
    found = {(own.at, own.run, own.task): own.table["mean"] for own in lines(results)}
    tasks = [task for task, _ in keys]
    pairs = {run: (run, run) for run in runs}
    alone = tuple(plan.single_of(task, plan.replication.reference) for task in tasks)
    along = [
        (at, label) for at, label in along if any((at, run, tasks[0]) in found for run in runs)
    ]
    size = (COLUMN, (50 if len(along) > 1 else 60) * MM)
    figure, axes = plt.subplots(1, len(along), figsize=size, layout="constrained", squeeze=False)
    for axis, (at, label) in zip(axes[0], along, strict=True):
        for index, (name, both) in enumerate({"": alone, **pairs}.items()):
            places = [(at, run, task) for run, task in zip(both, tasks, strict=True)]
            if all(place in found for place in places):
                curve = pd.concat([found[place] for place in places], axis=1, join="inner")
                title = plan.runs[name].title if name else "작업마다"
                _draw(axis, curve, index, title, noted=name == plan.replication.reference)
        axis.set_title(label, fontsize=7)
    figure.supxlabel(_label(results, *keys[0]), fontsize=7)
    figure.supylabel(_label(results, *keys[1]), fontsize=7)
    legend_above(figure, fontsize=6)
    return figure


def _draw(axis: Axes, curve: pd.DataFrame, index: int, title: str, noted: bool) -> None:
    """A line through the two columns of a curve, whose index is the rate."""
    across, upwards = curve.iloc[:, 0], curve.iloc[:, 1]
    colour, marker = COLOURS[index - 1] if index else "0.5", MARKERS[index % len(MARKERS)]
    axis.plot(across, upwards, marker, label=title, color=colour, ls="-", ms=2.5, lw=0.8)
    for value in curve.index if noted else ():
        place = (across[value], upwards[value])
        axis.annotate(f"{value:g}", place, (2, 2), textcoords="offset points", fontsize=5.5)


def _label(results: Results, task: str, metric: str) -> str:
    unit = unit_name(str(results.under.xs(metric, level="metric")["unit"].iloc[0]))
    return f"{task_name(task)} {metric_name(task, metric)} ({unit})".replace(r"\%", "%")
