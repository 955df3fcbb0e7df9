"""What one task gains where another loses: two primary metrics against each other along a rate."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, MARKERS, MM
from replications.core.evidence.axes import lines
from replications.core.evidence.condition_figure import add_legend
from replications.core.evidence.naming import metric_name, task_name, unit_name
from replications.core.evidence.study import Results


def plane_figure(results: Results, along: Sequence[tuple[str, str]], runs: Sequence[str]) -> Figure:
    """A panel for every axis or condition of `along`, with its label: the first task of the
    headline across, the second upwards, a line per run through the values of the axis, which the
    first run is annotated with, if it was laid out. Grey lines: the single-task runs."""
    plan = results.plan
    keys = list(plan.replication.headline.items())[:2]
    task, other = (key[0] for key in keys)
    found = {(own.at, own.run, own.task): own.table["mean"] for own in lines(results)}
    along = [place for place in along if any((place[0], run, task) in found for run in runs)]
    size = (COLUMN, (50 if len(along) > 1 else 60) * MM)
    figure, axes = plt.subplots(1, len(along), figsize=size, layout="constrained", squeeze=False)
    for axis, (at, label) in zip(axes[0], along, strict=True):
        shown = [run for run in runs if (at, run, task) in found]
        for index, run in enumerate(shown):
            across, upwards = (found[at, run, own] for own in (task, other))
            look = {
                "color": COLOURS[index],
                "marker": MARKERS[index],
                "label": plan.runs[run].title,
            }
            axis.plot(across, upwards, ls="-", ms=2.5, lw=0.8, **look)
            for value in across.index if not index else ():
                place = (across[value], upwards[value])
                axis.annotate(f"{value:g}", place, (2, 2), textcoords="offset points", fontsize=5.5)
        alone = (plan.single_of(own, runs[0]) for own in (task, other))
        means = [
            results.test.loc[(run, *key), "mean"] for run, key in zip(alone, keys, strict=True)
        ]
        axis.axvline(means[0], color="0.6", lw=0.8, ls="--", zorder=0)
        axis.axhline(means[1], color="0.6", lw=0.8, ls="--", zorder=0)
        axis.set_title(label, fontsize=7)
    figure.supxlabel(_label(results, *keys[0]), fontsize=7)
    figure.supylabel(_label(results, *keys[1]), fontsize=7)
    add_legend(figure, axes[0, 0])
    return figure


def _label(results: Results, task: str, metric: str) -> str:
    unit = unit_name(str(results.under.xs(metric, level="metric")["unit"].iloc[0]))
    return f"{task_name(task)} {metric_name(task, metric)} ({unit})".replace(r"\%", "%")
