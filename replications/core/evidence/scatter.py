"""Properties of molecules as predicted against their true values: the examples of molecules."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replications.core.evidence.drawing import COLOURS, COLUMN, MARKERS, MM
from replications.core.evidence.naming import task_name, unit_name
from replications.core.evidence.study import Results


def scatter_figure(results: Results) -> Figure:
    """A panel per property: seed 0 of the single-task run and of the reference run."""
    plan = results.plan
    reference = plan.replication.reference
    tasks = plan.runs[reference].tasks
    joint = results.examples(reference)
    columns = 2
    rows = -(-len(tasks) // columns)
    size = (COLUMN, (8 + 34 * rows) * MM)
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for axis, task in zip(axes.flat, tasks, strict=False):
        truth = joint[f"truth_{task}"]
        single = results.examples(plan.single_of(task, reference))
        for arrays, colour, marker in zip((single, joint), COLOURS, MARKERS, strict=False):
            axis.scatter(
                truth, arrays[f"predicted_{task}"], 3, colour, marker, alpha=0.5, linewidth=0
            )
        axis.axline((truth.mean(), truth.mean()), slope=1, color="0.5", lw=0.8, zorder=0)
        unit = results.test.xs((task, "mae"), level=("task", "metric"))["unit"].iloc[0]
        axis.set_title(f"{task_name(task)} ({unit_name(unit)})", fontsize=7.5, pad=2)
    for axis in axes.flat[len(tasks) :]:
        axis.set_visible(False)
    figure.supxlabel("참값", fontsize=7.5)
    figure.supylabel("예측", fontsize=7.5)
    dots = [
        Line2D([], [], color=colour, marker=marker, lw=0, ms=3)
        for colour, marker in zip(COLOURS[:2], MARKERS, strict=False)
    ]
    labels = ["단일 작업", plan.runs[reference].title]
    figure.legend(dots, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=7)
    return figure
