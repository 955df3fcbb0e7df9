"""How surface normals are named and drawn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from replications.core.presentation import Presentation


def draw(axis: Any, values: Any, truth: Any, facts: Mapping[str, Any]) -> None:
    """Directions as colours; white where there is no normal."""
    known = (truth != 0).any(axis=0)
    axis.imshow(np.where(known, values / 2 + 0.5, 1).transpose(1, 2, 0))


PRESENTATION = Presentation(
    "법선",
    {
        "angle_mean": "평균각",
        "angle_median": "중앙각",
        "rmse": "RMSE",
        "within_11.25": "11.25°",
        "within_22.5": "22.5°",
        "within_30": "30°",
    },
    draw,
    english="surface normals",
)
