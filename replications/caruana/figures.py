"""Figures of this replication: the gain in data, and poor features."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, MM
from replications.core.evidence.study import Results

_CODES = {"binary": "이진 부호", "gray": "그레이 부호"}
_WAYS = {"none": "없음", "input": "입력", "output": "출력"}


def amplification(results: Results) -> Figure:
    """The main task against the number of people, single-task and multi-task; an arrow from where
    multi-task learning is to where single-task learning does as well."""
    table = results.experiment("amplification")
    people = table["train_fraction"] * int(results.plan.settings.data.training_samples or 0)
    figure, axis = plt.subplots(figsize=(COLUMN, 44 * MM), layout="constrained")
    for column, colour, label in (
        ("single", COLOURS[0], "단일 작업"),
        ("joint", COLOURS[1], "다중 작업"),
    ):
        axis.plot(people, table[column], "o-", color=colour, lw=1, ms=3, label=label)
    for row, start in zip(table.itertuples(), people, strict=True):
        if math.isfinite(row.shift) and row.shift > 0:
            end = (start * row.shift, row.joint)
            style = {"arrowstyle": "->", "color": "0.4", "lw": 0.8}
            axis.annotate("", end, (start, row.joint), arrowprops=style)
    axis.set_xscale("log", base=2)
    axis.set_xticks(list(people), [f"{n:,.0f}" for n in people])
    axis.minorticks_off()
    axis.set(xlabel="학습에 쓴 사람 수", ylabel="소득의 AUC (%)")
    axis.legend(frameon=False, fontsize=7)
    return figure


def poor_features(results: Results) -> Figure:
    """The error of every trial by what the feature serves as, a panel per code."""
    table = results.experiment("poor_features")
    figure, axes = plt.subplots(1, 2, figsize=(COLUMN, 36 * MM), layout="constrained")
    for axis, (code, name) in zip(axes, _CODES.items(), strict=True):
        own = table[table["code"] == code]
        drawn = [own.loc[own["way"] == way, "rmse"] for way in _WAYS]
        axis.boxplot(drawn, widths=0.5, showmeans=True, meanline=True, flierprops={"ms": 2})
        axis.set_xticks(range(1, len(_WAYS) + 1), list(_WAYS.values()))
        axis.set_title(name, fontsize=7.5, pad=2)
    axes[0].set_ylabel("$F_1$의 RMSE")
    figure.supxlabel("$F_2$의 쓰임", fontsize=7.5)
    return figure
