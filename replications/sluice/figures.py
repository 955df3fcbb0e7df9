"""The figure of this replication: which subspaces and which layers are shared."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.drawing import FULL_WIDTH, MM, heatmap
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results


def sharing(results: Results) -> Figure:
    """What each subspace (row) takes of each (column) behind every stage (alpha), and what the head
    of each task takes of each stage (beta); means over seeds."""
    alpha = results.learned("sluice", "alpha").mean(axis=0)
    beta = results.learned("sluice", "beta").mean(axis=0)
    tasks = [task_name(task)[:2] for task in results.plan.runs["sluice"].tasks]
    parts = alpha.shape[1] // len(tasks)
    subspaces = [f"{task} {part}" for task in tasks for part in range(1, parts + 1)]
    figure, axes = plt.subplots(
        1, len(alpha) + 1, figsize=(FULL_WIDTH, 45 * MM), layout="constrained"
    )
    for stage, (axis, values) in enumerate(zip(axes, alpha, strict=False), start=1):
        rows = subspaces if stage == 1 else [""] * len(subspaces)
        heatmap(axis, values, rows, subspaces, "RdBu", (-1, 1), "{:z.1f}")
        axis.tick_params(axis="x", rotation=90)
        axis.set_title(rf"$\alpha$, {stage}단", fontsize=7)
    stages = [f"{stage}단" for stage in range(1, beta.shape[1] + 1)]
    heatmap(axes[-1], beta, tasks, stages, "RdBu", (-1, 1))
    axes[-1].set_title(r"$\beta$", fontsize=7)
    return figure
