"""The figure of this replication: what the runs gain against what they compute."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, MARKERS
from replications.core.evidence.study import Results

_DELTA = "delta_m_per_task_primary"
_FLOPS = "flops_vs_stl"


def plane(results: Results) -> Figure:
    """delta_m (`per_task_primary`) over the operations of inference, both relative to the
    single-task networks together, which are at the origin.

    A run has a colour: its mean is filled and its seeds are small; hollow is what the paper reports
    of it, on another dataset and another backbone.
    """
    figure, axis = plt.subplots(figsize=(COLUMN, 0.55 * COLUMN), layout="constrained")
    published = reported(results.reported)
    delta = results.delta[results.delta["definition"] == "per_task_primary"]
    shown = [name for name in results.plan.runs if name in set(delta["run"])]
    for name, colour, marker in zip(shown, COLOURS, MARKERS, strict=False):
        values = delta.loc[delta["run"] == name, "value"]
        flops = -results.saved(name, "flops")
        title = results.plan.runs[name].title
        axis.plot(flops, values.mean(), marker, color=colour, markersize=5, lw=0, label=title)
        axis.plot(
            [flops] * len(values), values, marker, color=colour, markersize=2, alpha=0.6, lw=0
        )
        if name in published.index:
            x, y = published.loc[name, [_FLOPS, _DELTA]]
            axis.plot(x, y, marker, color=colour, markersize=5, markerfacecolor="none", lw=0)
    axis.axhline(0, color="0.5", lw=0.8, zorder=0)
    axis.axvline(0, color="0.5", lw=0.8, zorder=0)
    axis.set(xlabel="단일 작업 모델들 대비 연산량 (%)", ylabel=r"$\Delta_m$ (%)")
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=7)
    return figure


def reported(table: pd.DataFrame) -> pd.DataFrame:
    """Columns delta_m and FLOPs of the runs for which the paper gives both, in percent."""
    whole = table[(table["task"] == "all") & table["run"].notna()]
    first = whole.drop_duplicates(["run", "metric"])
    wide = first.pivot(index="run", columns="metric", values="value")
    return wide.reindex(columns=[_FLOPS, _DELTA]).dropna()
