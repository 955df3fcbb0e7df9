"""How semantic segmentation is named and drawn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from replications.core.presentation import Presentation


def draw(axis: Any, values: Any, truth: Any, facts: Mapping[str, Any]) -> None:
    """Colours of the classes; what is none of them is black."""
    colours = np.array([*facts["colours"], (0, 0, 0)], np.uint8)
    axis.imshow(colours[np.minimum(values, len(colours) - 1)])


PRESENTATION = Presentation(
    "의미 분할",
    {"miou": "mIoU", "pixel_accuracy": "정확도"},
    draw,
    english="semantic segmentation",
)
