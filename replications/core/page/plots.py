"""The figures of the page, in the form of Plotly's JSON; texts in both languages.

Colours of text, grid and background are the page's, which sets them as it is light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from replications.core.drawing import COLOURS as PRINTED
from replications.core.evidence.delta_m import DEFINITIONS
from replications.core.evidence.ladder import along_ladder
from replications.core.evidence.naming import part_names
from replications.core.evidence.overview import efficiency
from replications.core.evidence.statistics import interval
from replications.core.evidence.study import Results
from replications.core.page.text import Both, both
from replications.core.spec import Comparison, Plan

Plot = dict[str, Any]
COLOURS = PRINTED[:-1]
"""Those of the printed figures without black, which a dark page swallows."""
_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x")
_LEFT, _LINE, _HEAD = 150, 56, 110
_FAR = 40
"""Losses in percent that the plane shows at first; further ones are found by zooming out."""
_DEFINITIONS = {
    "per_task_primary": both("대표 지표의 작업 평균", "primary metrics, mean over tasks"),
    "per_metric": both("모든 지표의 평균 (부호 반전)", "all metrics, mean (sign turned)"),
    "per_task_mean": both("지표 평균의 작업 평균", "metrics, then tasks"),
}


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
        symbol = _SYMBOLS[index % len(_SYMBOLS)]
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
        "y": _rounded(value for _, value in points),
        "mode": "markers",
        "marker": {"color": colour, "size": 5, "opacity": 0.45, "symbol": symbol},
        "hovertemplate": both(f"시드 하나: %{{y:.2f}}{unit}", f"one seed: %{{y:.2f}}{unit}"),
        "showlegend": False,
    }
    means = [seeds.mean() for _, seeds in found]
    yield shared | {
        "x": steps,
        "y": _rounded(means),
        "mode": "lines+markers",
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 8, "symbol": symbol},
        "customdata": [_rounded(pair) for pair in ends],
        "hovertemplate": f"%{{y:.2f}}{unit} (%{{customdata[0]:.2f}} … %{{customdata[1]:.2f}})",
    }


def plane_plot(results: Sequence[Results]) -> Plot:
    """Every multi-task run at its usual size: accuracy change against parameters saved."""
    traces: list[Plot] = []
    for index, one in enumerate(results):
        plan = one.plan
        rows = [
            row
            for row in efficiency(one)
            if row["meaningful"] and not plan.runs[str(row["run"])].axis
        ]
        table = pd.DataFrame(rows)
        if table.empty:
            continue
        reference = table["run"] == plan.replication.reference
        colour = COLOURS[index % len(COLOURS)]
        titles = [both(plan.runs[run].title, run) for run in table["run"]]
        values = [
            f"Δₘ {row.delta_m:+.1f} % ({row.low:.1f} … {row.high:.1f})"
            for row in table.itertuples()
        ]
        traces.append(
            {
                "name": both(plan.replication.korean, plan.replication.title),
                "x": _rounded(table["parameters_saved"]),
                "y": _rounded(table["delta_m"]),
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": _rounded(table["high"] - table["delta_m"]),
                    "arrayminus": _rounded(table["delta_m"] - table["low"]),
                    "color": colour,
                    "thickness": 1,
                    "width": 3,
                },
                "mode": "markers",
                "marker": {
                    "color": colour,
                    "size": [13 if own else 9 for own in reference],
                    "symbol": [
                        f"{_SYMBOLS[index % len(_SYMBOLS)]}{'' if own else '-open'}"
                        for own in reference
                    ],
                },
                "text": titles,
                "customdata": values,
                "hovertemplate": "%{text}<br>%{customdata}<br>%{x:.0f} %",
            }
        )
    seen = [y for trace in traces for y in trace["y"] if y is not None and y > -_FAR]
    ends = (min([*seen, 0]) - 5, max([*seen, 0]) + 5)
    saved = both("매개변수 절감 (%)", "parameters saved (%)")
    gain = both("Δₘ (%), 위가 이득", "Δₘ (%), up is better")
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": saved}},
            "yaxis": {"title": {"text": gain}, "range": _rounded(ends)},
            "showlegend": True,
            "height": 520,
        },
    }


def forest_plot(results: Results) -> Plot | None:
    """delta_m of every multi-task run in the three definitions: every seed a point, the mean with
    its 95 % interval; right is better. None where no run has one."""
    plan, delta = results.plan, results.delta
    runs = [run for run in plan.runs if run in set(delta["run"]) and not plan.runs[run].axis]
    if not runs:
        return None
    traces: list[Plot] = []
    for index, (definition, better_is_higher) in enumerate(DEFINITIONS.items()):
        own = delta[delta["definition"] == definition]
        sign, shift = 1 if better_is_higher else -1, 0.25 * (1 - index)
        colour, symbol = COLOURS[index], _SYMBOLS[index]
        shared: Plot = {"name": _DEFINITIONS[definition], "legendgroup": definition}
        seeds, means = [], []
        for line, run in enumerate(runs):
            values = (sign * own.loc[own["run"] == run, "value"]).tolist()
            seeds += [(value, -line + shift) for value in values]
            if values:
                low, high = interval(values)
                means.append((float(np.mean(values)), low, high, -line + shift, run))
        traces += [
            shared
            | {
                "x": _rounded(value for value, _ in seeds),
                "y": [place for _, place in seeds],
                "mode": "markers",
                "marker": {"color": colour, "size": 4, "opacity": 0.4, "symbol": symbol},
                "hovertemplate": both("시드 하나: %{x:.2f} %", "one seed: %{x:.2f} %"),
                "showlegend": False,
            },
            shared
            | {
                "x": _rounded(mean for mean, *_ in means),
                "y": [place for *_, place, _ in means],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": _rounded(high - mean for mean, _, high, *_ in means),
                    "arrayminus": _rounded(mean - low for mean, low, *_ in means),
                    "color": colour,
                    "thickness": 1.5,
                    "width": 4,
                },
                "mode": "markers",
                "marker": {"color": colour, "size": 9, "symbol": symbol},
                "text": [both(plan.runs[run].title, run) for *_, run in means],
                "hovertemplate": "%{text}: %{x:.2f} %",
            },
        ]
    right = both("Δₘ (%), 오른쪽이 이득", "Δₘ (%), right is better")
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": right}},
            "yaxis": {
                "zeroline": False,
                "tickvals": [-line for line in range(len(runs))],
                "ticktext": [both(plan.runs[run].title, run) for run in runs],
                "range": [0.6 - len(runs), 0.6],
            },
            "showlegend": True,
            "height": _HEAD + _LINE * len(runs),
            "margin": {"l": _LEFT},
        },
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
                "y": _rounded(table.mean(axis=1)),
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
        "y": _rounded([*low, *reversed([*high])]),
        "fill": "toself",
        "fillcolor": colour,
        "opacity": 0.18,
        "line": {"width": 0},
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _rounded(values: Iterable[Any]) -> list[float | None]:
    """Numbers that take little room in the page; what JSON cannot hold is a gap."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values]
