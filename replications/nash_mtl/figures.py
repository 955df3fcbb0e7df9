"""Figures of this replication: the toy problem, the two solvers, conflict between gradients."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, FULL_WIDTH, MARKERS, MM
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results
from replications.nash_mtl.toy import METHODS, pareto_front

_METHODS = {
    "nash": "Nash-MTL",
    "equal": "균등 가중",
    "mgda": "MGDA",
    "pcgrad": "PCGrad",
    "cagrad": "CAGrad",
}
_PROCEDURES = {"exact": "정확한 풀이", "published": "공개된 절차"}


def toy(results: Results) -> Figure:
    """Trajectories of every method over the losses, without scaling above and with it below; the
    front is grey, a start is a dot, an end a cross."""
    table = results.experiment("toy")
    scales = sorted(table["scale"].unique(), reverse=True)
    figure, axes = plt.subplots(
        len(scales),
        len(METHODS),
        figsize=(FULL_WIDTH, 32 * len(scales) * MM),
        sharex=True,
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    front = pareto_front(spacing=0.1)
    for row, scale in zip(axes, scales, strict=True):
        for axis, method in zip(row, METHODS, strict=True):
            axis.plot(*front.T, color="0.6", lw=3, solid_capstyle="round", zorder=0)
            chosen = table[(table["scale"] == scale) & (table["method"] == method)]
            for start, own in chosen.groupby("start"):
                colour = COLOURS[int(str(start))]
                axis.plot(own["loss_1"], own["loss_2"], color=colour, lw=0.9)
                axis.plot(*own[["loss_1", "loss_2"]].iloc[0], "o", color=colour, ms=2.5)
                axis.plot(*own[["loss_1", "loss_2"]].iloc[-1], "x", color="black", ms=4)
        row[0].set_ylabel(f"손실 2 (손실 1 × {scale:g})")
    for axis, method in zip(axes[0], METHODS, strict=True):
        axis.set_title(_METHODS[method], fontsize=7.5, pad=2)
    figure.supxlabel("손실 1", fontsize=7.5)
    return figure


def solver(results: Results) -> Figure:
    """Residual and time of one solve against the number of tasks: the median of random Gram
    matrices as a line with the range shaded, and those of our training as crosses."""
    table = results.experiment("solver")
    size = (COLUMN, 40 * MM)
    figure, axes = plt.subplots(1, 2, figsize=size, layout="constrained")
    for axis, column, label in zip(
        axes, ("residual", "ms"), ("협상 방정식의 잔차", "풀이 시간 (ms)"), strict=True
    ):
        for index, (procedure, title) in enumerate(_PROCEDURES.items()):
            own = table[table["procedure"] == procedure]
            _range(axis, own[own["matrices"] == "random"], column, index, title)
            ours = own[own["matrices"] == "training"]
            # A residual of exactly 0 has no place on a logarithmic axis.
            values = ours[column].clip(lower=1e-17)
            axis.plot(ours["tasks"], values, "x", color=COLOURS[index], ms=4, alpha=0.5)
        axis.set(xscale="log", yscale="log", xlabel="작업 수 $K$", ylabel=label)
        # As text: the Korean font has no minus sign for formulas.
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0e}")
        ticks = sorted(table["tasks"].unique())
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.minorticks_off()
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=2,
        frameon=False,
        fontsize=7,
    )
    return figure


def _range(axis: Axes, table: pd.DataFrame, column: str, index: int, title: str) -> None:
    values = table.assign(value=table[column].clip(lower=1e-17)).groupby("tasks")["value"]
    style = {"color": COLOURS[index], "lw": 1, "ms": 3, "marker": MARKERS[index]}
    axis.plot(values.median(), label=title, **style)  # type: ignore[arg-type]
    low, high = values.min(), values.max()
    axis.fill_between(low.index, low, high, color=COLOURS[index], alpha=0.2, lw=0)


def conflict(results: Results) -> Figure:
    """Cosines between the gradients of the tasks over the training, a panel per pair: the mean over
    seeds for each run that records them, smoothed over a tenth of the training."""
    plan = results.plan
    histories = {
        run: [results.history(run, seed) for seed in plan.seed_numbers]
        for run in ("nash", "mgda", "pcgrad", "cagrad", "imtl")
        if run in plan.runs
    }
    pairs = [name for name in histories["nash"][0] if name.startswith("cosine_")]
    size = (COLUMN, 36 * MM)
    figure, axes = plt.subplots(1, len(pairs), figsize=size, layout="constrained", sharey=True)
    for axis, pair in zip(axes, pairs, strict=True):
        for colour, (run, seeds) in zip(COLOURS, histories.items(), strict=False):
            mean = pd.concat([own.set_index("step")[pair] for own in seeds], axis=1).mean(axis=1)
            smooth = mean.rolling(max(1, len(mean) // 10), min_periods=1).mean()
            axis.plot(smooth, color=colour, lw=0.9, label=plan.runs[run].title)
        axis.axhline(0, color="0.6", lw=0.6, zorder=0)
        first, second = pair.removeprefix("cosine_").split("_")
        axis.set_title(f"{task_name(first)}–{task_name(second)}", fontsize=7.5, pad=2)
    axes[0].set_ylabel("기울기 사이의 코사인")
    figure.supxlabel("학습 단계", fontsize=7.5)
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=5,
        frameon=False,
        fontsize=6.5,
        handlelength=1.2,
        columnspacing=1,
    )
    return figure
