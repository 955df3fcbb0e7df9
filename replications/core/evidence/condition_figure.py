"""Metrics against a condition of the evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, MARKERS, MM
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results


def against_condition(results: Results, condition: str, label: str, runs: Sequence[str]) -> Figure:
    """A panel per task, a curve per run, and its single-task run in grey; bands are 95 % intervals
    over seeds. The usual condition is the one that the model's settings say."""
    plan = results.plan
    usual = float(getattr(plan.model_of(plan.replication.reference), condition))
    headline = plan.replication.headline
    figure, axes = plt.subplots(1, len(headline), figsize=(COLUMN, 50 * MM), layout="constrained")
    for axis, (task, metric) in zip(axes, headline.items(), strict=True):
        own = results.under.xs((task, metric), level=("task", "metric")).reset_index()
        own = own[own["condition"].str.match(f"$|{condition}=")]
        values = own["condition"].str.removeprefix(f"{condition}=").replace("", str(usual))
        own = own.assign(at=values.astype(float))
        shown = [run for run in (f"single_{task}", *runs) if run in set(own["run"])]
        for index, run in enumerate(shown):
            curve = own[own["run"] == run].sort_values("at")
            draw_curve(axis, curve, index, plan.runs[run].title if run in runs else "작업마다")
        axis.set_title(f"{task_name(task)} ({own['unit'].iloc[0]})", fontsize=7)
    figure.supxlabel(label, fontsize=7)
    add_legend(figure, axes[-1])
    return figure


def draw_curve(axis: Axes, curve: pd.DataFrame, index: int, label: str) -> None:
    """A line through `mean` along `at`, its band from `low` to `high`; the first of several is
    grey."""
    colour = COLOURS[index - 1] if index else "0.5"
    marker = MARKERS[index % len(MARKERS)]
    at = curve["at"]
    axis.plot(at, curve["mean"], marker, label=label, color=colour, ls="-", ms=2, lw=0.8)
    axis.fill_between(at, curve["low"], curve["high"], color=colour, alpha=0.2, lw=0)


def add_legend(figure: Figure, axis: Axes) -> None:
    """Above all panels, what the curves of one are."""
    entries = axis.get_legend_handles_labels()
    figure.legend(*entries, loc="outside upper center", ncols=3, frameon=False, fontsize=6)
