"""How the road is named and drawn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from replications.core.presentation import Presentation

_GREEN = np.array([0, 158, 115])


def overlay(axis: Any, picture: Any, values: Any, facts: Mapping[str, Any]) -> Any:
    """The road in green, where its probability is at least one half."""
    return np.where((values >= 0.5)[..., None], 0.45 * picture + 0.55 * _GREEN, picture)


def draw(axis: Any, values: Any, truth: Any, facts: Mapping[str, Any]) -> None:
    """Black where the road is certain."""
    axis.imshow(values, cmap="gray_r", vmin=0, vmax=1)


PRESENTATION = Presentation("도로", {"max_f1": "MaxF1", "ap": "AP"}, draw, overlay, "road")
