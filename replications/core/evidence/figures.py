"""Figures of one replication: examples of what the runs predict, delta_m with every seed, training
curves, values along axes and under conditions, its own.

A replication draws figures of its own in `replications/<name>/figures.py`: functions
`name(results: Results) -> Figure`, listed under `figures` in its `replication.yaml`.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replications.core.data.examples import Examples, Predicted
from replications.core.drawing import COLOURS, COLUMN, MARKERS, MM, save, style
from replications.core.evidence.axes import axes_figure
from replications.core.evidence.curves import curves_figure
from replications.core.evidence.delta_m import DEFINITIONS
from replications.core.evidence.ladder_figure import ladder_figure
from replications.core.evidence.study import Results
from replications.core.presentation import presentation
from replications.core.spec.layout import DESCRIPTION, figures

_LABELS = {
    "per_task_primary": "대표 지표, 작업 평균",
    "per_metric": "모든 지표 평균 (부호 반전)",
    "per_task_mean": "지표 평균의 작업 평균",
}


def draw_figures(results: Results) -> None:
    """Draw every figure of a replication into the folder of its tables."""
    plan, folder = results.plan, results.folder
    shared: dict[str, Callable[[Results], Figure]] = {
        "examples": examples_figure,
        "delta_m": delta_m_figure,
        "curves": curves_figure,
        "ladder": ladder_figure,
        "axes": axes_figure,
    }
    with mpl.rc_context(style()):
        for file in figures(plan):
            name = file.removeprefix("figure_")
            if name in plan.replication.figures:
                module = importlib.import_module(f"replications.{plan.name}.figures")
                save(getattr(module, name)(results), folder / file)
            else:
                save(shared[name](results), folder / file)


def examples_figure(results: Results) -> Figure:
    """Test samples of seed 0, drawn as the dataset draws them: truth, the single-task run and the
    reference run."""
    drawn: Figure = results.plan.data.load(results.plan.data.examples)(examples_of(results))
    return drawn


def examples_of(results: Results) -> Examples:
    """The test samples that serve as examples, and what seed 0 of the single-task runs and of the
    reference run predicts of them."""
    plan, reference = results.plan, results.plan.replication.reference
    joint = results.examples(reference)
    tasks = {}
    for task, metric in plan.replication.headline.items():
        if task in plan.runs[reference].tasks:
            single = results.examples(plan.single_of(task, reference))
            tasks[task] = Predicted(
                presentation(task),
                str(results.test.loc[(reference, task, metric), "unit"]),
                joint[f"truth_{task}"],
                single[f"predicted_{task}"],
                joint[f"predicted_{task}"],
            )
    made = ("truth_", "predicted_", "learned_")
    inputs = {name: array for name, array in joint.items() if not name.startswith(made)}
    dataset = json.loads((Path(plan.data.folder) / DESCRIPTION).read_text(encoding="utf-8"))
    return Examples(inputs, tasks, dataset["facts"], plan.runs[reference].title)


def delta_m_figure(results: Results) -> Figure:
    """delta_m of every multi-task run, every seed a point and the mean a bar; right is better.

    `per_metric`, for which negative is better, is drawn with its sign turned.
    """
    delta = results.delta
    named = {run: spec for run, spec in results.plan.runs.items() if not spec.axis}
    runs = [name for name in named if name in set(delta["run"])]
    figure, axis = plt.subplots(figsize=(COLUMN, (22 + 8 * len(runs)) * MM), layout="constrained")
    for line, run in enumerate(runs):
        for index, definition in enumerate(DEFINITIONS):
            shift = 0.22 * (index - 1)
            chosen = (delta["run"] == run) & (delta["definition"] == definition)
            values = delta.loc[chosen, "value"] * (1 if DEFINITIONS[definition] else -1)
            style = {"color": COLOURS[index], "linewidth": 0}
            label = _LABELS[definition] if line == 0 else None
            axis.scatter(
                values,
                [line + shift] * len(values),
                s=9,
                marker=MARKERS[index],
                alpha=0.6,
                label=label,
                **style,  # type: ignore[arg-type]
            )
            axis.plot(
                [values.mean()] * 2, [line + shift - 0.1, line + shift + 0.1], color="black", lw=1.2
            )
    axis.axvline(0, color="0.5", lw=0.8, zorder=0)
    axis.set_yticks(range(len(runs)), [results.plan.runs[run].title for run in runs])
    axis.invert_yaxis()
    axis.set_xlabel(r"$\Delta_m$ (%), 오른쪽이 다중 작업에 유리")
    figure.legend(loc="outside upper center", ncols=1, frameon=False, fontsize=7, handletextpad=0.2)
    return figure
