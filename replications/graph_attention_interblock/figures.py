"""The figures of this replication: accuracy against the signal-to-noise ratio, coded together and
apart, and what each task is sent of every block."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.drawing import COLUMN, MM, heatmap
from replications.core.evidence.condition_figure import (
    add_legend,
    against_condition,
    draw_curve,
)
from replications.core.evidence.naming import task_name
from replications.core.evidence.statistics import interval
from replications.core.evidence.study import Results


def snr(results: Results) -> Figure:
    """A panel per task, a curve per run."""
    runs = ("attention", "relation", "uniform", "last")
    return against_condition(results, "snr_db", "신호 대 잡음비 (dB)", runs)


def separate(results: Results) -> Figure:
    """A panel per task: coded together, and apart with either code."""
    table = results.experiment("separate")
    columns = {
        "together": "기호를 함께 배움",
        "ideal": "WebP와 이상적인 부호",
        "ldpc": "WebP와 LDPC",
    }
    headline = results.plan.replication.headline
    size = (COLUMN, 50 * MM)
    figure, grid = plt.subplots(1, len(headline), figsize=size, layout="constrained", squeeze=False)
    axes = grid[0]
    for axis, task in zip(axes, headline, strict=True):
        own = table[table["task"] == task]
        coded = own.pivot(index=["snr_db", "seed"], columns="code", values="apart")
        coded["together"] = own.groupby(["snr_db", "seed"])["together"].first()
        for index, (code, label) in enumerate(columns.items()):
            curve = (
                coded[code]
                .groupby("snr_db")
                .agg(
                    mean="mean",
                    low=lambda v: interval(list(v))[0],
                    high=lambda v: interval(list(v))[1],
                )
            )
            draw_curve(axis, curve.rename_axis("at").reset_index(), index, label)
        axis.set_title(f"{task_name(task)} ({own['unit'].iloc[0]})", fontsize=7)
    figure.supxlabel("신호 대 잡음비 (dB)", fontsize=7)
    add_legend(figure, axes[-1])
    return figure


def blocks(results: Results) -> Figure:
    """How much of each block (column) a task (row) is sent; means over seeds."""
    relation = results.learned("attention", "relation").mean(axis=0)
    tasks = [task_name(task) for task in results.plan.runs["attention"].tasks]
    figure, axis = plt.subplots(figsize=(COLUMN * 0.6, 32 * MM), layout="constrained")
    heatmap(axis, relation, tasks, [f"{k}단" for k in range(1, relation.shape[1] + 1)])
    return figure
