"""The figure of this replication: the units that were learned."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.drawing import COLUMN, MM, heatmap
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results


def units(results: Results) -> Figure:
    """What each task (row) takes of each (column) behind every stage; means over channels and
    seeds."""
    alpha = results.learned("cross_stitch", "alpha").mean(axis=0)
    tasks = [task_name(task)[:2] for task in results.plan.runs["cross_stitch"].tasks]
    figure, axes = plt.subplots(
        1, len(alpha), figsize=(COLUMN, 28 * MM), layout="constrained", sharey=True, squeeze=False
    )
    for stage, (axis, values) in enumerate(zip(axes[0], alpha, strict=True), start=1):
        heatmap(axis, values, tasks, tasks, "RdBu", (-1, 1))
        axis.set_title(f"{stage}단", fontsize=7)
    return figure
