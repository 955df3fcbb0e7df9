"""How instances are named and drawn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from replications.core.presentation import Presentation


def draw(axis: Any, values: Any, truth: Any, facts: Mapping[str, Any]) -> None:
    """A colour per instance."""
    from matplotlib import colormaps

    colours = colormaps["tab20"](np.arange(256) * 7 % 20)
    colours[0] = (0.93, 0.93, 0.93, 1)
    axis.imshow(colours[values])


PRESENTATION = Presentation(
    "개체 분할",
    {"centroid_l1": "중심", "ap50": "AP$_{50}$"},
    draw,
    english="instance segmentation",
)
