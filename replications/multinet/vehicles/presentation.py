"""How vehicles are named and drawn."""

from collections.abc import Mapping
from typing import Any

from replications.core.presentation import Presentation
from replications.multinet.vehicles.box_precision import DIFFICULTIES, KITTI_HEIGHT

_YELLOW = "#F0E442"
_LEAST_SCORE = 0.5


def overlay(axis: Any, picture: Any, values: Any, facts: Mapping[str, Any]) -> Any:
    """Boxes with a score of at least one half that are tall enough to be evaluated."""
    from matplotlib.patches import Rectangle

    least = DIFFICULTIES["moderate"].height * len(picture) / KITTI_HEIGHT
    for x1, y1, x2, y2, score in values:
        if score >= _LEAST_SCORE and y2 - y1 >= least:
            box = Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1)
            box.set(fill=False, edgecolor=_YELLOW, linewidth=0.8)
            axis.add_patch(box)
    return picture


_METRICS = {
    "ap_easy": "AP 쉬움",
    "ap_moderate": "AP 보통",
    "ap_hard": "AP 어려움",
    "ap_moderate_iou50": "AP 보통(IoU 0.5)",
}

PRESENTATION = Presentation("차량", _METRICS, overlay=overlay, english="vehicles")
