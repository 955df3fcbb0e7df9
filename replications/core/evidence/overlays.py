"""Road, vehicles and scene drawn on the image: truth, the separate networks, the joint one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from replications.core.data.labels import Array
from replications.core.evidence.study import Results
from replications.core.tasks.box_precision import DIFFICULTIES, KITTI_HEIGHT

OVERLAID = frozenset({"road", "vehicles", "scene"})
"""The tasks that are drawn on the image rather than as maps of their own."""
_SCENES = {"residential": "주거지", "urban": "도심", "highway": "고속도로"}
_ROAD = np.array([0, 158, 115])
_BOX = "#F0E442"
_LEAST_SCORE = 0.5


def overlay_figure(
    results: Results, dataset: Mapping[str, Any], width: float, shown: Iterable[int] = (0, 2)
) -> Figure:
    """Test frames of seed 0, one a row, `width` inches wide.

    The road is where its probability is at least one half; vehicles are the detections with a
    score of at least one half, and in the truth the cars and vans tall enough to be evaluated.
    """
    plan = results.plan
    joint = results.examples(plan.replication.reference)
    tasks = [task for task in plan.replication.headline if f"truth_{task}" in joint]
    separate: dict[str, Array] = {}
    for task in tasks:
        single = results.examples(plan.single_of(task, plan.replication.reference))
        separate[task] = single[f"predicted_{task}"]
    columns = {
        "참값": {task: joint[f"truth_{task}"] for task in tasks},
        "단일 작업 모델들": separate,
        "다중 작업": {task: joint[f"predicted_{task}"] for task in tasks},
    }
    chosen = list(shown)
    rows, pixels = joint["image"].shape[-2:]
    figure, axes = plt.subplots(
        len(chosen),
        len(columns),
        figsize=(width, len(chosen) * width / len(columns) * rows / pixels + 0.16),
        gridspec_kw={"wspace": 0.02, "hspace": 0.03},
        squeeze=False,
    )
    figure.subplots_adjust(left=0, right=1, top=1 - 0.15 / figure.get_figheight(), bottom=0)
    for own, index in zip(axes, chosen, strict=True):
        image = joint["image"][index].transpose(1, 2, 0)
        for axis, values in zip(own, columns.values(), strict=True):
            _draw(axis, image, {task: v[index] for task, v in values.items()}, dataset)
    for axis, title in zip(axes[0], columns, strict=True):
        axis.set_title(title, fontsize=7.5, pad=2)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


def _draw(
    axis: Axes, image: Array, values: Mapping[str, Array], dataset: Mapping[str, Any]
) -> None:
    """One frame: the road in green, boxes around vehicles, the scene in words."""
    height, width = image.shape[:2]
    picture = image.astype(float)
    if "road" in values:
        road = (values["road"] >= 0.5)[..., None]
        picture = np.where(road, 0.45 * picture + 0.55 * _ROAD, picture)
    axis.imshow(np.rint(picture).astype(np.uint8))
    least = DIFFICULTIES["moderate"].height * height / KITTI_HEIGHT
    for x1, y1, x2, y2, score in values.get("vehicles", np.zeros((0, 5))):
        if score >= _LEAST_SCORE and y2 - y1 >= least:
            box = Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1)
            box.set(fill=False, edgecolor=_BOX, linewidth=0.8)
            axis.add_patch(box)
    if "scene" in values:
        name = dataset["scenes"][int(values["scene"])]
        label = _SCENES.get(name, name)
        shade = {"facecolor": "black", "alpha": 0.45, "pad": 1, "linewidth": 0}
        place = (width * 0.98, height * 0.04)
        axis.text(*place, label, color="white", fontsize=7, ha="right", va="top", bbox=shade)
    # Boxes do not widen the view.
    axis.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
