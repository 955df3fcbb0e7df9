"""Figures of one replication: examples of what the runs predict, delta_m with every seed, its own.

A replication draws figures of its own in `replications/<name>/figures.py`: functions
`name(results: Results) -> Figure`, listed under `figures` in its `replication.yaml`.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replications.core.data.labels import PROPERTIES, VOID, Array
from replications.core.errors import run_command
from replications.core.evidence.curves import curves_figure
from replications.core.evidence.delta_m import DEFINITIONS
from replications.core.evidence.drawing import COLOURS, COLUMN, FULL_WIDTH, MARKERS, MM, save, style
from replications.core.evidence.naming import task_name
from replications.core.evidence.overlays import OVERLAID, overlay_figure
from replications.core.evidence.scatter import scatter_figure
from replications.core.evidence.study import Results, load_results

_LABELS = {
    "per_task_primary": "대표 지표, 작업 평균",
    "per_metric": "모든 지표 평균 (부호 반전)",
    "per_task_mean": "지표 평균의 작업 평균",
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replication", required=True)
    parser.add_argument("--study", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="holds the CSV tables")
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.json")
    arguments = parser.parse_args()
    results = load_results(arguments.replication, arguments.study, arguments.folder)
    dataset = json.loads(arguments.dataset.read_text(encoding="utf-8"))
    with mpl.rc_context(style()):
        save(_examples(results, dataset), arguments.folder / "figure_examples")
        save(delta_m_figure(results), arguments.folder / "figure_delta_m")
        save(curves_figure(results), arguments.folder / "figure_curves")
        for name in results.plan.replication.figures:
            module = importlib.import_module(f"replications.{arguments.replication}.figures")
            save(getattr(module, name)(results), arguments.folder / f"figure_{name}")


def _examples(results: Results, dataset: dict[str, Any]) -> Figure:
    """The figure of examples that suits the tasks."""
    tasks = results.plan.replication.headline
    if PROPERTIES.keys() >= tasks.keys():
        return scatter_figure(results)
    if OVERLAID.issuperset(tasks):
        return overlay_figure(results, dataset, COLUMN)
    return examples_figure(results, dataset)


def examples_figure(
    results: Results, dataset: dict[str, Any], shown: Iterable[int] = (0, 2)
) -> Figure:
    """Test frames of seed 0: the image and where semantics err above; then truth, the single-task
    run and the reference run for each task."""
    plan = results.plan
    trained = plan.runs[plan.replication.reference].tasks
    tasks = [task for task in plan.replication.headline if task in trained]
    runs = {run: results.examples(run) for run in plan.runs}
    joint = runs[plan.replication.reference]
    singles = {task: runs[plan.single_of(task, plan.replication.reference)] for task in tasks}
    chosen = list(shown)
    height, width = joint["image"].shape[-2:]
    cell = FULL_WIDTH / (3 * len(chosen))
    labels = ["의미 오류" if "semseg" in tasks else "", *(task_name(t) for t in tasks)]
    rows = len(labels)
    figure, axes = plt.subplots(
        rows,
        3 * len(chosen),
        figsize=(FULL_WIDTH, rows * cell * height / width + 0.2),
        gridspec_kw={"wspace": 0.03, "hspace": 0.03},
        squeeze=False,
    )
    figure.subplots_adjust(left=0.03, right=1, top=0.95, bottom=0)
    for block, index in enumerate(chosen):
        own = axes[:, 3 * block : 3 * block + 3]
        _image_row(own[0], index, joint, singles, dataset)
        for row, task in zip(own[1:], tasks, strict=True):
            truth, predicted = joint[f"truth_{task}"], f"predicted_{task}"
            for axis, maps in zip(
                row, (truth, singles[task][predicted], joint[predicted]), strict=True
            ):
                _draw(axis, task, maps[index], truth[index], dataset)
        for axis, title in zip(own[0], ("영상 · 참값", "단일 작업", "다중 작업"), strict=True):
            axis.set_title(title, fontsize=7.5, pad=2)
    for axis, label in zip(axes[:, 0], labels, strict=True):
        axis.set_ylabel(label, fontsize=7)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


def _image_row(
    axes: Array,
    index: int,
    joint: dict[str, Array],
    singles: dict[str, dict[str, Array]],
    dataset: dict[str, Any],
) -> None:
    """The image, and on it in red the pixels whose class is wrong, single and joint."""
    image = joint["image"][index].transpose(1, 2, 0)
    axes[0].imshow(image)
    if "semseg" not in singles:
        return
    truth = joint["truth_semseg"][index]
    for axis, source in zip(axes[1:], (singles["semseg"], joint), strict=True):
        wrong = (source["predicted_semseg"][index] != truth) & (truth != VOID)
        grey = image.mean(axis=-1, keepdims=True).repeat(3, axis=-1) * 0.6 + 80
        axis.imshow(np.where(wrong[..., None], (213, 94, 0), grey).astype(np.uint8))


def _draw(axis: Axes, task: str, values: Array, truth: Array, dataset: dict[str, Any]) -> None:
    """A map of a task: class colours, a colour per instance, normals as colours, or a scale."""
    if task == "semseg":
        axis.imshow(np.array([*dataset["colours"], (0, 0, 0)], np.uint8)[np.minimum(values, 11)])
    elif task == "instances":
        colours = plt.get_cmap("tab20")(np.arange(256) * 7 % 20)
        colours[0] = (0.93, 0.93, 0.93, 1)
        axis.imshow(colours[values])
    elif task == "normals":
        axis.imshow(np.where((truth != 0).any(axis=0), values / 2 + 0.5, 1).transpose(1, 2, 0))
    elif task == "edges":
        axis.imshow(values, cmap="gray_r", vmin=0, vmax=1)
    else:
        axis.imshow(values, cmap="magma", vmin=0, vmax=np.percentile(truth, 99))


def delta_m_figure(results: Results) -> Figure:
    """delta_m of every multi-task run, every seed a point and the mean a bar; right is better.

    `per_metric`, for which negative is better, is drawn with its sign turned.
    """
    delta = results.delta
    runs = [name for name in results.plan.runs if name in set(delta["run"])]
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


if __name__ == "__main__":
    run_command(main)
