"""How the kind of scene is named and drawn."""

from collections.abc import Mapping
from typing import Any

from replications.core.presentation import Presentation

_SCENES = {"residential": "주거지", "urban": "도심", "highway": "고속도로"}


def overlay(axis: Any, picture: Any, values: Any, facts: Mapping[str, Any]) -> Any:
    """The scene in words, in the upper right corner."""
    name = facts["scenes"][int(values)]
    height, width = picture.shape[:2]
    shade = {"facecolor": "black", "alpha": 0.45, "pad": 1, "linewidth": 0}
    style = {"color": "white", "fontsize": 7, "ha": "right", "va": "top", "bbox": shade}
    axis.text(width * 0.98, height * 0.04, _SCENES.get(name, name), **style)
    return picture


PRESENTATION = Presentation(
    "장면",
    {"accuracy": "정확도", "mean_accuracy": "평균 정확도"},
    overlay=overlay,
    english="scene",
)
