"""Properties of molecules as predicted against their true values: the examples of QM9."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replications.core.data.examples import Examples
from replications.core.drawing import COLOURS, COLUMN, MARKERS, MM
from replications.core.evidence.naming import unit_name


def figure(examples: Examples) -> Figure:
    """A panel per property: the single-task run and the reference run."""
    columns = 2
    rows = -(-len(examples.tasks) // columns)
    size = (COLUMN, (8 + 34 * rows) * MM)
    drawn, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for axis, task in zip(axes.flat, examples.tasks.values(), strict=False):
        pairs = zip((task.single, task.joint), COLOURS, MARKERS, strict=False)
        for predicted, colour, marker in pairs:
            axis.scatter(task.truth, predicted, 3, colour, marker, alpha=0.5, linewidth=0)
        middle = task.truth.mean()
        axis.axline((middle, middle), slope=1, color="0.5", lw=0.8, zorder=0)
        unit = unit_name(task.unit)
        axis.set_title(f"{task.presentation.name} ({unit})", fontsize=7.5, pad=2)
    for axis in axes.flat[len(examples.tasks) :]:
        axis.set_visible(False)
    drawn.supxlabel("참값", fontsize=7.5)
    drawn.supylabel("예측", fontsize=7.5)
    dots = [
        Line2D([], [], color=colour, marker=marker, lw=0, ms=3)
        for colour, marker in zip(COLOURS[:2], MARKERS, strict=False)
    ]
    labels = ["단일 작업", examples.title]
    drawn.legend(dots, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=7)
    return drawn
