"""Training curves: the loss of each task, alone and together with the others."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replications.core.drawing import COLOURS, COLUMN, MM
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results


def curves_figure(results: Results) -> Figure:
    """A panel per task: the mean training loss over seeds of the single-task run and the reference
    run against the step, and the range of the seeds."""
    plan = results.plan
    reference = plan.replication.reference
    tasks = plan.runs[reference].tasks
    columns = min(3, len(tasks))
    rows = -(-len(tasks) // columns)
    size = (COLUMN, (8 + 27 * rows) * MM)
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for axis, task in zip(axes.flat, tasks, strict=False):
        for run, colour in ((plan.single_of(task, reference), COLOURS[0]), (reference, COLOURS[1])):
            _draw(axis, [results.loss(run, seed, task) for seed in plan.seed_numbers], colour)
        axis.set_title(task_name(task), fontsize=7.5, pad=2)
    for axis in axes.flat[len(tasks) :]:
        axis.set_visible(False)
    figure.supxlabel("학습 단계", fontsize=7.5)
    figure.supylabel("학습 손실", fontsize=7.5)
    lines = [Line2D([], [], color=colour) for colour in COLOURS[:2]]
    labels = ["단일 작업", plan.runs[reference].title]
    figure.legend(lines, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=7)
    return figure


def _draw(axis: Axes, seeds: list[pd.Series], colour: str) -> None:
    table = pd.concat(seeds, axis=1)
    axis.plot(table.index, table.mean(axis=1), color=colour, lw=1)
    lowest, highest = table.min(axis=1), table.max(axis=1)
    axis.fill_between(table.index, lowest, highest, color=colour, alpha=0.25, lw=0)
