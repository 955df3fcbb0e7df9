"""The question the study asks, over all replications: what accuracy costs, what sharing saves."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, MARKERS, save, style
from replications.core.evidence.axes import gain_figure
from replications.core.evidence.ladder_figure import ladders_figure
from replications.core.evidence.overview_tables import (
    efficiency_table,
    experiments_table,
    tasks_table,
)
from replications.core.evidence.statistics import interval
from replications.core.evidence.study import Results
from replications.core.evidence.tidy import spread
from replications.core.files import replacing, write_text
from replications.core.spec import Plan, origin
from replications.core.spec.layout import ORIGIN, gain_axes

_SAVINGS = ("parameters", "flops", "latency_ms", "training_s")
_COLUMNS = [
    *["replication", "run", "tasks", "seeds", "delta_m", "low", "high", "meaningful"],
    *[f"{cost}_saved" for cost in _SAVINGS],
    "memory_saved",
]


def overview(results: Sequence[Results], folder: Path, beside: Mapping[str, str]) -> pd.DataFrame:
    """Write the tables and the figures of all replications together, the published values of
    another study, `beside`, next to the study's own; returns the efficiency."""
    table = pd.DataFrame([row for one in results for row in efficiency(one)], columns=_COLUMNS)
    plans = {one.plan.name: one.plan for one in results}
    apart = [
        spread(own, plans[str(name)]) for name, own in table.groupby("replication", sort=False)
    ]
    with replacing(folder / "efficiency.csv") as temporary:
        pd.concat(apart or [table]).to_csv(temporary, index=False)
    write_text(folder / "table_efficiency.tex", efficiency_table(table, results, beside))
    write_text(folder / "table_experiments.tex", experiments_table(results))
    write_text(folder / "table_tasks.tex", tasks_table(results))
    with mpl.rc_context(style()):
        save(plane_figure(table, results), folder / "figure_plane")
        if any(one.plan.ladder for one in results):
            save(ladders_figure(results), folder / "figure_ladder")
        if any(gain_axes(one.plan) for one in results):
            save(gain_figure(results), folder / "figure_gain")
    return table


def efficiency(results: Results) -> list[dict[str, object]]:
    """A row per multi-task run: delta_m (`per_task_primary`) with its 95 % interval, and what the
    run saves in percent of the single-task networks of its tasks together.

    `memory_saved` compares the peak memory of a training with the largest of the single-task ones.
    """
    plan = results.plan
    rows = []
    for name, run in plan.runs.items():
        delta = results.delta
        chosen = (delta["run"] == name) & (delta["definition"] == "per_task_primary")
        values = delta.loc[chosen, "value"].tolist()
        sound = bool(delta.loc[chosen, "meaningful"].all())
        if run.role == "single" or run.of or not values:
            continue
        low, high = interval(values)
        largest = max(
            results.costs.loc[plan.single_of(task, name), "peak_memory_mb"] for task in run.tasks
        )
        memory = results.costs.loc[name, "peak_memory_mb"]
        row: dict[str, object] = {"replication": plan.name, "run": name}
        row |= {"tasks": len(run.tasks), "seeds": len(values)}
        row |= {"delta_m": float(np.mean(values)), "low": low, "high": high, "meaningful": sound}
        row |= {f"{cost}_saved": results.saved(name, cost) for cost in _SAVINGS}
        rows.append(row | {"memory_saved": 100 * (1 - memory / largest)})
    return rows


def published_delta(plan: Plan, folder: Path) -> str:
    """The delta_m of the reference run as published by another study; nothing where there is none.
    It is taken as it was printed: the specification may have changed since."""
    place = folder / plan.name
    if origin.read(place / ORIGIN).get("study") in (None, plan.study):
        return ""
    key = rf"{plan.name}.{plan.replication.reference}.delta_m.per_task_primary"
    text = (place / "numbers.tex").read_text(encoding="utf-8")
    found = re.search(rf"\{{{re.escape(key)}\}}\{{(.*)\}}\n", text)
    return found[1].removesuffix(r"\,\%") if found else ""


def plane_figure(table: pd.DataFrame, results: Sequence[Results]) -> Figure:
    """Every multi-task run: accuracy change against parameters saved; the reference run filled."""
    figure, axis = plt.subplots(figsize=(COLUMN, 0.54 * COLUMN), layout="constrained")
    looks = itertools.cycle(zip(COLOURS, MARKERS, strict=True))
    for one, (colour, marker) in zip(results, looks, strict=False):
        shown = [run for run, spec in one.plan.runs.items() if not spec.axis]
        own = table[(table["replication"] == one.plan.name) & table["meaningful"]]
        own = own[own["run"].isin(shown)]
        reference = own["run"] == one.plan.replication.reference
        for chosen, face in ((own[reference], colour), (own[~reference], "white")):
            if len(chosen):
                spread = np.abs(chosen[["low", "high"]].sub(chosen["delta_m"], axis=0).T)
                axis.errorbar(
                    chosen["parameters_saved"],
                    chosen["delta_m"],
                    yerr=np.where(np.isfinite(spread), spread, 0),
                    fmt=marker,
                    markersize=4,
                    markerfacecolor=face,
                    markeredgewidth=0.8,
                    elinewidth=0.6,
                    color=colour,
                    label=one.plan.replication.korean if face == colour else None,
                )
    axis.axhline(0, color="0.5", lw=0.8, zorder=0)
    axis.axvline(0, color="0.5", lw=0.8, zorder=0)
    # Linear up to ten percent, beyond that by orders: intervals of few seeds can be very wide.
    axis.set_yscale("symlog", linthresh=10)
    low, high = axis.get_ylim()
    axis.set_yticks([y for y in (-300, -100, -30, -10, -5, 0, 5, 10, 30, 100) if low <= y <= high])
    axis.yaxis.set_major_formatter("{x:g}")
    axis.set(xlabel="매개변수 절감 (%)", ylabel=r"$\Delta_m$ (%), 양수가 이득")
    if table["meaningful"].any():
        figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=7)
    return figure
