"""Figures of the page on what runs gain and save, in the form of Plotly's JSON."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from replications.core.evidence.delta_m import DEFINITIONS
from replications.core.evidence.overview import efficiency
from replications.core.evidence.statistics import interval
from replications.core.evidence.study import Results
from replications.core.page.plots import COLOURS, SYMBOLS, Plot, rounded
from replications.core.page.text import both

_FAR = 40
"""Losses in percent that the plane shows at first; further ones are found by zooming out."""
_DEFINITIONS = {
    "per_task_primary": both("대표 지표의 작업 평균", "primary metrics, mean over tasks"),
    "per_metric": both("모든 지표의 평균 (부호 반전)", "all metrics, mean (sign turned)"),
    "per_task_mean": both("지표 평균의 작업 평균", "metrics, then tasks"),
}
_LEFT, _LINE, _HEAD = 150, 56, 110
"""Pixels that a forest has for names of runs, for a run, and for what is around them."""


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
                "x": rounded(table["parameters_saved"]),
                "y": rounded(table["delta_m"]),
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": rounded(table["high"] - table["delta_m"]),
                    "arrayminus": rounded(table["delta_m"] - table["low"]),
                    "color": colour,
                    "thickness": 1,
                    "width": 3,
                },
                "mode": "markers",
                "marker": {
                    "color": colour,
                    "size": [13 if own else 9 for own in reference],
                    "symbol": [
                        f"{SYMBOLS[index % len(SYMBOLS)]}{'' if own else '-open'}"
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
            "yaxis": {"title": {"text": gain}, "range": rounded(ends)},
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
        colour, symbol = COLOURS[index], SYMBOLS[index]
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
                "x": rounded(value for value, _ in seeds),
                "y": [place for _, place in seeds],
                "mode": "markers",
                "marker": {"color": colour, "size": 4, "opacity": 0.4, "symbol": symbol},
                "hovertemplate": both("시드 하나: %{x:.2f} %", "one seed: %{x:.2f} %"),
                "showlegend": False,
            },
            shared
            | {
                "x": rounded(mean for mean, *_ in means),
                "y": [place for *_, place, _ in means],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": rounded(high - mean for mean, _, high, *_ in means),
                    "arrayminus": rounded(mean - low for mean, low, *_ in means),
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
