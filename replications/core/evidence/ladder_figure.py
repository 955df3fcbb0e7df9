"""The central figure: the difference that a claim is about, against the budget, claim by claim."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from replications.core.drawing import COLOURS, COLUMN, FULL_WIDTH, MARKERS, MM
from replications.core.evidence.ladder import NOT_SETTLED
from replications.core.evidence.naming import VERDICTS, part_names
from replications.core.evidence.study import Results

_NAMED = 3
"""Lines of a panel that are named at most; more names would cover each other."""
_MOST_ROWS = 4
"""Rows of panels that a page has room for beside its text."""
_WITHHELD = "보류"
"""What a verdict is called that more training might change."""
_APART = 2.3 * MM
"""Inches between names."""


def ladder_figure(results: Results) -> Figure:
    """A panel per tested claim of a replication, a line per comparison, above 0 where it favours
    the claim.

    Differences are in percent of the other run's mean, so that metrics of all units fit in a panel;
    those of delta_m are points. Bands are 95 % intervals over seeds; a dotted line is what a run
    may lose by the claim.
    """
    return _figure([results], COLUMN, 2, row=28)


def ladders_figure(results: Sequence[Results]) -> Figure:
    """The same of all replications together, as wide as the page, without questions that the papers
    do not ask; where they have more claims than fit, of the first one of each."""
    return _figure(results, FULL_WIDTH, 6, row=22)


def ways_ladder_figure(gains: pd.DataFrame) -> Figure:
    """A line per way of sharing, numbered as in their table: delta_m against the budget.

    `gains`: columns `number`, `steps`, `delta_m`.
    """
    figure, axis = plt.subplots(figsize=(COLUMN, 0.5 * COLUMN), layout="constrained")
    ends = []
    for index, (number, line) in enumerate(gains.groupby("number")):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index // len(COLOURS)]
        axis.plot(line["steps"], line["delta_m"], marker=marker, ms=3, lw=1, color=colour)
        ends.append((float(line["delta_m"].iloc[-1]), str(number), colour))
    _name(axis, ends)
    _lay_out(axis, gains["steps"])
    axis.set(xlabel="학습 단계", ylabel=r"$\Delta_m$ (%), 양수가 이득")
    figure.draw_without_rendering()  # numbers are set apart by the height that the panel has then
    _set_apart(axis, axis.get_window_extent().height / figure.dpi)
    return figure


def _figure(results: Sequence[Results], width: float, most: int, row: float) -> Figure:
    """`most`: panels side by side; `row`: millimetres of a row of them."""
    together = len(results) > 1
    panels = [
        (one, str(claim))
        for one in results
        for claim in dict.fromkeys(one.ladder["claim"])
        if not (together and one.plan.replication.claims[str(claim)].ours)
    ]
    if together and len(panels) > _MOST_ROWS * most:
        panels = [(one, str(one.ladder["claim"].iloc[0])) for one in results if len(one.ladder)]
    columns = min(most, max(1, len(panels)))
    rows = math.ceil(max(1, len(panels)) / columns)
    low = together and rows >= _MOST_ROWS
    size = (width, (8 + (row - 3 if low else row) * rows) * MM)
    figure, grid = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for axis, (one, claim) in zip(grid.flat, panels, strict=False):
        _panel(axis, one, claim)
        whose = one.plan.replication.korean if together else "주장"
        short = one.plan.replication.claims[claim].short
        title = "\n".join(filter(None, [f"{whose} {claim}: {_verdict(one, claim)}", short]))
        axis.set_title(title, fontsize=6 if together else 7.5, pad=3)
    for axis in grid.flat[len(panels) :]:
        axis.set_visible(False)
    figure.supxlabel("학습 단계", fontsize=7.5)
    figure.supylabel("차이 (%)", fontsize=7.5)
    figure.draw_without_rendering()  # names are set apart by the height that panels have then
    for axis in grid.flat:
        _set_apart(axis, axis.get_window_extent().height / figure.dpi)
    return figure


def _verdict(one: Results, claim: str) -> str:
    row = one.claims.set_index("claim").loc[claim]
    return _WITHHELD if row["reason"] == NOT_SETTLED else VERDICTS[row["verdict"]]


def _panel(axis: Axes, results: Results, claim: str) -> None:
    own = results.ladder[results.ladder["claim"] == claim]
    compared = results.plan.comparisons(results.plan.replication.claims[claim])
    names = part_names(results.plan, compared)
    ends = []
    for index, (part, line) in enumerate(own.groupby("part")):
        colour = COLOURS[index % len(COLOURS)]
        marker = MARKERS[index % len(MARKERS)]
        axis.plot(line["steps"], line["percent"], marker=marker, ms=3, lw=1, color=colour)
        axis.fill_between(
            line["steps"], line["percent_low"], line["percent_high"], color=colour, alpha=0.2, lw=0
        )
        ends.append((float(line["percent"].iloc[-1]), names[int(str(part))], colour))
        if margin := compared[int(str(part))].margin:
            percent = margin * float((line["percent"] / line["difference"]).iloc[-1])
            axis.axhline(-percent, color=colour, lw=0.6, ls=":", zorder=0)
    axis.margins(y=0.15)
    if 1 < len(ends) <= _NAMED:
        _name(axis, ends)
    _lay_out(axis, own["steps"])


def _lay_out(axis: Axes, steps: pd.Series) -> None:
    """Draw the line of no difference and the budgets."""
    axis.axhline(0, color="0.5", lw=0.8, zorder=0)
    axis.set_xscale("log", base=2)
    budgets = sorted(steps.unique())
    labelled = (budgets[0], budgets[-1])  # labels of all would touch
    axis.set_xticks(budgets, [f"{steps:,}" if steps in labelled else "" for steps in budgets])
    axis.minorticks_off()


def _name(axis: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Write names, in the colours of their lines, beside where the lines end."""
    low, high = axis.get_ylim()
    for value, name, colour in sorted(ends):
        axis.annotate(
            # Indices would be too small to print, and LaTeX's underscores are none of matplotlib's;
            # what is longer than a name of a task takes from the panel's width.
            re.sub(r"\$_\{(.*?)\}\$", r" \1", name).replace(r"\_", "_").replace(" - ", "\n- "),
            (1, (value - low) / (high - low)),
            (2, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=6,
            linespacing=0.9,
            color=colour,
        )


def _set_apart(axis: Axes, height: float) -> None:
    """Move names apart, upwards from the lowest and then down from the top of the panel, as far as
    it takes to read them; `height`: of the panel, in inches."""
    names = [name for name in axis.texts if isinstance(name, Annotation)]
    line, below = _APART / height, -math.inf
    above = 1 + 0.7 * line  # titles are near
    for name in names:
        apart = line * len(name.get_text().splitlines())
        below = max(name.xy[1], below + apart)
        name.xy = (1, below)
    for name in reversed(names):
        apart = line * len(name.get_text().splitlines())
        above = min(name.xy[1], above - apart)
        name.xy = (1, above)
