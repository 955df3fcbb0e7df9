"""How things are named and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replications.core.presentation import Presentation

_LEAST = 0.5
"""The score from which on a detection is drawn."""


def overlay(axis: Any, picture: Any, values: Any, facts: Mapping[str, Any]) -> Any:
    """Boxes, coloured by class."""
    from matplotlib.patches import Rectangle

    from replications.core.drawing import COLOURS

    for x1, y1, x2, y2, score, kind in values:
        if score >= _LEAST:
            colour = COLOURS[int(kind) % len(COLOURS)]
            frame = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, lw=0.8, edgecolor=colour)
            axis.add_patch(frame)
    return picture


_METRICS = {
    "ap": "AP",
    "ap50": r"AP$_{50}$",
    "ap75": r"AP$_{75}$",
    "ap_small": "AP(작음)",
    "ap_large": "AP(큼)",
    "mask_ap": "마스크 AP",
}
PRESENTATIONS = {
    "objects": Presentation("물체 검출", _METRICS, overlay=overlay, english="object detection"),
    "masks": Presentation("물체 마스크", _METRICS, overlay=overlay, english="object masks"),
}
