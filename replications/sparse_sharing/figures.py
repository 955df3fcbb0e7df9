"""The figure of this replication: how much the masks of the tasks overlap."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.drawing import COLUMN, MM, heatmap
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results

_RUNS = ("sparse_sharing", "random_masks")


def overlap(results: Results) -> Figure:
    """Of the weights that either of two tasks uses, the share that both do, of masks that were
    learned and of masks that were drawn; means over seeds."""
    runs = [run for run in _RUNS if run in results.plan.runs]
    figure, axes = plt.subplots(
        1, len(runs), figsize=(COLUMN, 38 * MM), layout="constrained", squeeze=False
    )
    for axis, run in zip(axes[0], runs, strict=True):
        tasks = [task_name(task)[:2] for task in results.plan.runs[run].tasks]
        heatmap(axis, results.learned(run, "overlap").mean(axis=0), tasks, tasks)
        axis.set_title(results.plan.runs[run].title, fontsize=7)
    return figure
