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
    """A panel per task: alone and together with learned symbols, and pictures coded apart, with
    either code."""
    figure = against_condition(results, "snr_db", "신호 대 잡음비 (dB)", ("attention", "apart"))
    table = results.experiment("separate")
    for axis, task in zip(figure.axes, results.plan.replication.headline, strict=True):
        curve = (
            table[table["task"] == task]
            .groupby("snr_db")["apart"]
            .agg(
                mean="mean",
                low=lambda values: interval(list(values))[0],
                high=lambda values: interval(list(values))[1],
            )
        )
        draw_curve(axis, curve.rename_axis("at").reset_index(), 3, "WebP와 5G의 LDPC 부호")
    figure.legends[0].remove()
    add_legend(figure, figure.axes[-1])
    return figure


def blocks(results: Results) -> Figure:
    """How much a task (row) is sent of the node of each block (column), in which by then all blocks
    are mixed; means over seeds."""
    relation = results.learned("attention", "relation").mean(axis=0)
    tasks = [task_name(task) for task in results.plan.runs["attention"].tasks]
    figure, axis = plt.subplots(figsize=(COLUMN * 0.6, 32 * MM), layout="constrained")
    heatmap(axis, relation, tasks, [f"{k}단" for k in range(1, relation.shape[1] + 1)])
    return figure
