"""The figures of this replication: accuracy against the signal-to-noise ratio, and what each task
is sent of every block."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.drawing import COLUMN, MM, heatmap
from replications.core.evidence.condition_figure import against_condition
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results


def snr(results: Results) -> Figure:
    """A panel per task, a curve per run."""
    runs = ("attention", "uniform", "last")
    return against_condition(results, "snr_db", "신호 대 잡음비 (dB)", runs)


def blocks(results: Results) -> Figure:
    """How much of each block (column) a task (row) is sent; means over seeds."""
    relation = results.learned("attention", "relation").mean(axis=0)
    tasks = [task_name(task) for task in results.plan.runs["attention"].tasks]
    figure, axis = plt.subplots(figsize=(COLUMN * 0.6, 32 * MM), layout="constrained")
    heatmap(axis, relation, tasks, [f"{k}단" for k in range(1, relation.shape[1] + 1)])
    return figure
