"""Examples of pictures: the image, and each task as a picture of its own or drawn on the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replications.core.data.examples import Examples, Predicted
from replications.core.data.labels import VOID, Array
from replications.core.drawing import COLUMN, FULL_WIDTH

_SHOWN = (0, 2)
"""The samples that are drawn."""


def figure(examples: Examples) -> Figure:
    """On the images where every task can be drawn there, else a row of pictures per task."""
    if all(task.presentation.overlay for task in examples.tasks.values()):
        return overlay_figure(examples, COLUMN)
    return maps_figure(examples)


def maps_figure(examples: Examples) -> Figure:
    """The image and where semantics err above; then truth, the single-task run and the reference
    run for each task."""
    tasks = examples.tasks
    height, width = examples.inputs["image"].shape[-2:]
    cell = FULL_WIDTH / (3 * len(_SHOWN))
    labels = ["의미 오류" if "semseg" in tasks else ""]
    labels += [task.presentation.name for task in tasks.values()]
    rows = len(labels)
    drawn, axes = plt.subplots(
        rows,
        3 * len(_SHOWN),
        figsize=(FULL_WIDTH, rows * cell * height / width + 0.2),
        gridspec_kw={"wspace": 0.03, "hspace": 0.03},
        squeeze=False,
    )
    drawn.subplots_adjust(left=0.03, right=1, top=0.95, bottom=0)
    for block, index in enumerate(_SHOWN):
        own = axes[:, 3 * block : 3 * block + 3]
        _image_row(own[0], index, examples)
        for row, task in zip(own[1:], tasks.values(), strict=True):
            for axis, maps in zip(row, (task.truth, task.single, task.joint), strict=True):
                if task.presentation.draw:
                    task.presentation.draw(axis, maps[index], task.truth[index], examples.facts)
        for axis, title in zip(own[0], ("영상 · 참값", "단일 작업", "다중 작업"), strict=True):
            axis.set_title(title, fontsize=7.5, pad=2)
    for axis, label in zip(axes[:, 0], labels, strict=True):
        axis.set_ylabel(label, fontsize=7)
    _bare(axes)
    return drawn


def overlay_figure(examples: Examples, width: float) -> Figure:
    """A sample a row, `width` inches wide: truth, the separate networks, the joint one."""
    columns = {"참값": "truth", "단일 작업 모델들": "single", "다중 작업": "joint"}
    rows, pixels = examples.inputs["image"].shape[-2:]
    drawn, axes = plt.subplots(
        len(_SHOWN),
        len(columns),
        figsize=(width, len(_SHOWN) * width / len(columns) * rows / pixels + 0.16),
        gridspec_kw={"wspace": 0.02, "hspace": 0.03},
        squeeze=False,
    )
    drawn.subplots_adjust(left=0, right=1, top=1 - 0.15 / drawn.get_figheight(), bottom=0)
    for own, index in zip(axes, _SHOWN, strict=True):
        image = examples.inputs["image"][index].transpose(1, 2, 0)
        for axis, source in zip(own, columns.values(), strict=True):
            _overlaid(axis, image, examples.tasks, source, index, examples)
    for axis, title in zip(axes[0], columns, strict=True):
        axis.set_title(title, fontsize=7.5, pad=2)
    _bare(axes)
    return drawn


def slides(examples: Examples) -> Iterator[tuple[list[str], dict[str, Figure]]]:
    """What a reader slides over each other, sample by sample: the tasks that are seen, and a
    picture without a frame of the truth, the single-task runs and the reference run.

    Tasks that are drawn on the image are seen together.
    """
    tasks = examples.tasks
    apart = [[name] for name, task in tasks.items() if task.presentation.draw]
    together = [name for name, task in tasks.items() if not task.presentation.draw]
    for index in _SHOWN:
        image = examples.inputs["image"][index].transpose(1, 2, 0)
        for names in [*apart, *filter(None, [together])]:
            seen = {name: tasks[name] for name in names}
            drawn = {}
            for source in ("truth", "single", "joint"):
                drawn[source], axis = _bare_picture(*image.shape[:2])
                if names == together:
                    _overlaid(axis, image, seen, source, index, examples)
                else:
                    (task,) = seen.values()
                    values = getattr(task, source)[index]
                    if task.presentation.draw:
                        task.presentation.draw(axis, values, task.truth[index], examples.facts)
            yield names, drawn


def _bare_picture(height: int, width: int) -> tuple[Figure, Axes]:
    """A figure that is all picture, three dots a pixel."""
    figure = Figure(figsize=(3 * width / 100, 3 * height / 100), dpi=100)
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set_axis_off()
    return figure, axis


def _overlaid(
    axis: Axes,
    image: Array,
    tasks: Mapping[str, Predicted],
    source: str,
    index: int,
    examples: Examples,
) -> None:
    height, width = image.shape[:2]
    picture = image.astype(float)
    for task in tasks.values():
        if task.presentation.overlay:
            values = getattr(task, source)[index]
            picture = task.presentation.overlay(axis, picture, values, examples.facts)
    axis.imshow(np.rint(picture).astype(np.uint8))
    # What is drawn on it does not widen the view.
    axis.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def _image_row(axes: Sequence[Axes], index: int, examples: Examples) -> None:
    """The image, and on it in red the pixels whose class is wrong, single and joint."""
    image = examples.inputs["image"][index].transpose(1, 2, 0)
    axes[0].imshow(image)
    if "semseg" not in examples.tasks:
        return
    semseg = examples.tasks["semseg"]
    truth = semseg.truth[index]
    for axis, predicted in zip(axes[1:], (semseg.single, semseg.joint), strict=True):
        wrong = (predicted[index] != truth) & (truth != VOID)
        grey = image.mean(axis=-1, keepdims=True).repeat(3, axis=-1) * 0.6 + 80
        axis.imshow(np.where(wrong[..., None], (213, 94, 0), grey).astype(np.uint8))


def _bare(axes: Array) -> None:
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
