"""The figure of this replication: recovery and classification against the signal-to-noise ratio."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, MARKERS, MM
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results

_RUNS = ("recovery_alone", "joint", "joint_strong", "joint_linear", "gated")


def snr(results: Results) -> Figure:
    """A panel per task, a curve per run, and the single-task run in grey; bands are 95 %
    intervals over seeds."""
    plan = results.plan
    usual = float(plan.settings.model.get("snr_db", 10.0))
    size = (COLUMN, 48 * MM)
    figure, axes = plt.subplots(
        1, len(plan.replication.headline), figsize=size, layout="constrained"
    )
    for axis, (task, metric) in zip(axes, plan.replication.headline.items(), strict=True):
        own = results.under.xs((task, metric), level=("task", "metric")).reset_index()
        own["snr_db"] = [float(c.removeprefix("snr_db=")) if c else usual for c in own["condition"]]
        shown = [run for run in (f"single_{task}", *_RUNS) if run in set(own["run"])]
        for index, run in enumerate(shown):
            curve = own[own["run"] == run].sort_values("snr_db")
            colour = "0.5" if not index else COLOURS[index - 1]
            marker = MARKERS[index % len(MARKERS)]
            title = plan.runs[run].title
            axis.plot(
                curve["snr_db"],
                curve["mean"],
                marker,
                ls="-",
                ms=2,
                lw=0.8,
                color=colour,
                label=title,
            )
            ends = curve["low"], curve["high"]
            axis.fill_between(curve["snr_db"], *ends, color=colour, alpha=0.2, lw=0)
        unit = own["unit"].iloc[0]
        axis.set_title(f"{task_name(task)} ({unit})", fontsize=7)
    figure.supxlabel("신호 대 잡음비 (dB)", fontsize=7)
    figure.legend(
        *axes[-1].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=3,
        frameon=False,
        fontsize=6,
    )
    return figure
