"""The figure of this replication: the policies."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.drawing import COLUMN, MM, heatmap
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results

_TITLES = {"search": "학습된 확률", "adashare": "한 번 뽑은 정책"}


def policy(results: Results) -> Figure:
    """How probably each task selects a block when the search has ended, and how often it does in
    the policies that were drawn; means over seeds."""
    figure, axes = plt.subplots(
        1, len(_TITLES), figsize=(COLUMN, 32 * MM), layout="constrained", sharey=True
    )
    for axis, (run, title) in zip(axes, _TITLES.items(), strict=True):
        values = results.learned(run, "policy").mean(axis=0)
        tasks = [task_name(task)[:2] for task in results.plan.runs[run].tasks]
        heatmap(axis, values, tasks, [str(block) for block in range(1, values.shape[1] + 1)])
        axis.set_title(title, fontsize=7)
        axis.set_xlabel("블록", fontsize=7)
    return figure
