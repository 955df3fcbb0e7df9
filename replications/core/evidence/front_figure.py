"""What ways of sharing gain against what they save, and those that no other equals in both."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from replications.core.drawing import COLOURS, COLUMN

_PLACES = [
    (distance * math.cos(angle), distance * math.sin(angle))
    for distance in (6, 10, 15, 20, 25)
    for angle in np.deg2rad([45, 135, -45, -135, 0, 180, 90, -90])
]
"""Where a number may stand, in points from its mark; the first that is free is taken."""


def front(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that no other equals in parameters saved and in gain at once (Pareto front), from
    few parameters to many."""
    ordered = table.sort_values(["parameters_saved", "delta_m"], ascending=False)
    best = ordered["delta_m"].cummax()
    return ordered[(ordered["delta_m"] >= best) & ~best.duplicated()]


def front_figure(table: pd.DataFrame) -> Figure:
    """Gain against parameters saved, numbered as in the table, and the front."""
    figure, axis = plt.subplots(figsize=(COLUMN, 0.55 * COLUMN), layout="constrained")
    spread = table[["low", "high"]].sub(table["delta_m"], axis=0).abs().T
    axis.errorbar(
        table["parameters_saved"],
        table["delta_m"],
        yerr=np.where(np.isfinite(spread), spread, 0),
        fmt="o",
        markersize=3,
        elinewidth=0.6,
        color=COLOURS[0],
    )
    best = front(table)
    axis.step(
        best["parameters_saved"], best["delta_m"], where="post", ls="--", lw=0.8, color=COLOURS[1]
    )
    axis.axhline(0, color="0.5", lw=0.8, zorder=0)
    axis.axvline(0, color="0.5", lw=0.8, zorder=0)
    axis.set(xlabel="매개변수 절감 (%)", ylabel=r"$\Delta_m$ (%), 양수가 이득")
    _number(figure, axis, table)
    return figure


def _number(figure: Figure, axis: Axes, table: pd.DataFrame) -> None:
    """Write the number of every row beside its mark, clear of all marks, of their intervals, and of
    other numbers."""
    figure.draw_without_rendering()  # from here on places are those of the finished layout
    renderer = FigureCanvasAgg(figure).get_renderer()
    ordered = table.sort_values(["parameters_saved", "delta_m"])
    taken = []
    for ends in ("delta_m", "delta_m"), ("low", "high"):
        finite = np.isfinite(ordered[list(ends)]).all(axis=1)  # of one seed no interval is
        for row in ordered[finite].itertuples():
            corners = [(row.parameters_saved, getattr(row, end)) for end in ends]
            taken.append(Bbox(axis.transData.transform(corners)).padded(2.0))
    for row in ordered.itertuples():
        label = axis.annotate(
            str(row.number),
            (row.parameters_saved, row.delta_m),
            _PLACES[0],
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=6.5,
            arrowprops={"arrowstyle": "-", "lw": 0.3, "shrinkA": 0, "shrinkB": 0},
        )
        boxes = []
        for label.xyann in _PLACES:
            label.update_positions(renderer)
            boxes.append(Text.get_window_extent(label, renderer))
        best = min(range(len(boxes)), key=lambda n: (boxes[n].count_overlaps(taken), n))
        label.xyann = _PLACES[best]
        taken.append(boxes[best])
