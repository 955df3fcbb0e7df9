"""Figures of the page on claims and trainings, in the form of Plotly's JSON, in both languages.

Colours of text, grid and background are the page's, which sets them as it is light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from replications.core.drawing import COLOURS as PRINTED
from replications.core.evidence.ladder import along_ladder
from replications.core.evidence.naming import part_names
from replications.core.evidence.statistics import interval
from replications.core.evidence.study import Results
from replications.core.page.text import Both, both
from replications.core.spec import Comparison, Plan

Plot = dict[str, Any]
COLOURS = PRINTED[:-1]
"""Those of the printed figures without black, which a dark page swallows."""
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x")


def named(plan: Plan, comparisons: Sequence[Comparison]) -> list[Both]:
    """What each of a claim's comparisons is called, see `part_names`."""
    korean, english = (part_names(plan, comparisons, flag) for flag in (False, True))
    return [both(*names) for names in zip(korean, english, strict=True)]


def ladder_plot(results: Results, comparisons: Sequence[Comparison]) -> Plot | None:
    """The differences of a claim against the budget, in percent, positive favouring it: every seed
    a point, the mean a line, the 95 % interval over seeds a band, and dotted what a run may lose by
    the claim; None where nothing was trained.
    """
    plan = results.plan
    traces: list[Plot] = []
    allowed: list[Plot] = []
    for index, (comparison, name) in enumerate(
        zip(comparisons, named(plan, comparisons), strict=True)
    ):
        colour = COLOURS[index % len(COLOURS)]
        symbol = SYMBOLS[index % len(SYMBOLS)]
        sized = [
            (steps, seeds, size)
            for steps, seeds, size in along_ladder(plan, comparison, results.values)
            if np.isfinite(size)
        ]
        if not sized:
            continue
        found = [(steps, 100 * seeds / size) for steps, seeds, size in sized]
        traces += _line(found, colour, symbol, name, str(index))
        if comparison.margin:
            line = {"color": colour, "dash": "dot", "width": 1}
            place = dict.fromkeys(("y0", "y1"), -100 * comparison.margin / sized[-1][2])
            allowed.append(
                {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "line": line, **place}
            )
    if not traces:
        return None
    budgets = sorted({int(step) for trace in traces for step in trace["x"]})
    axis = {
        "title": {"text": both("학습 단계", "training steps")},
        "type": "log",
        "tickvals": budgets,
        "ticktext": [f"{steps:,}" for steps in budgets],
    }
    slope = any(comparison.slope for comparison in comparisons)
    per_doubling = both("배가마다의 변화 (%)", "change per doubling (%)")
    what = per_doubling if slope else both("차이 (%)", "difference (%)")
    return {
        "data": traces,
        "layout": {
            "xaxis": axis,
            "yaxis": {"title": {"text": what}},
            "shapes": allowed,
            "showlegend": len(comparisons) > 1,
            "height": 280 + 18 * (len(comparisons) if len(comparisons) > 1 else 0),
        },
    }


def _line(
    found: Sequence[tuple[float, Any]],
    colour: str,
    symbol: str,
    name: Both,
    group: str,
    unit: str = " %",
) -> Iterable[Plot]:
    """Values of all seeds along an axis: a band, a line of means, and a point for every seed."""
    steps = [step for step, _ in found]
    ends = np.array([interval(seeds.tolist()) for _, seeds in found])
    shared: Plot = {"legendgroup": group, "name": name}
    if len(found[0][1]) > 1:
        yield shared | _band(steps, ends[:, 0], ends[:, 1], colour)
    points = [(step, value) for step, seeds in found for value in seeds]
    yield shared | {
        "x": [step for step, _ in points],
        "y": rounded(value for _, value in points),
        "mode": "markers",
        "marker": {"color": colour, "size": 5, "opacity": 0.45, "symbol": symbol},
        "hovertemplate": both(f"시드 하나: %{{y:.2f}}{unit}", f"one seed: %{{y:.2f}}{unit}"),
        "showlegend": False,
    }
    means = [seeds.mean() for _, seeds in found]
    yield shared | {
        "x": steps,
        "y": rounded(means),
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 8, "symbol": symbol},
        "customdata": [rounded(pair) for pair in ends],
        "hovertemplate": f"%{{y:.2f}}{unit} (%{{customdata[0]:.2f}} … %{{customdata[1]:.2f}})",
    }


def curve_plot(single: Sequence[pd.Series], joint: Sequence[pd.Series], title: Both) -> Plot:
    """The training loss of a task by step, alone and in the reference run, over seeds."""
    traces: list[Plot] = []
    names = (both("단일 작업", "single-task"), title)
    for index, (name, seeds) in enumerate(zip(names, (single, joint), strict=True)):
        table = pd.concat(seeds, axis=1)
        steps, colour = table.index.tolist(), COLOURS[index]
        shared: Plot = {"legendgroup": str(index), "name": name}
        traces += [
            shared | _band(steps, table.min(axis=1), table.max(axis=1), colour),
            shared
            | {
                "x": steps,
                "y": rounded(table.mean(axis=1)),
                "mode": "lines",
                "line": {"color": colour, "width": 2, "dash": "solid" if index else "dash"},
            },
        ]
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": both("학습 단계", "training steps")}, "zeroline": False},
            "yaxis": {"title": {"text": both("학습 손실", "training loss")}, "zeroline": False},
            "showlegend": True,
            "height": 280,
        },
    }


def _band(steps: Sequence[float], low: Iterable[Any], high: Iterable[Any], colour: str) -> Plot:
    """What lies between two lines."""
    return {
        "x": [*steps, *reversed(steps)],
        "y": rounded([*low, *reversed([*high])]),
        "fill": "toself",
        "fillcolor": colour,
        "opacity": 0.18,
        "line": {"width": 0},
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
    }


def rounded(values: Iterable[Any]) -> list[float | None]:
    """Numbers that take little room in the page; what JSON cannot hold is a gap."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values]
