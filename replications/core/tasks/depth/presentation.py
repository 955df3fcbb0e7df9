"""How depth is named and drawn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from replications.core.presentation import Presentation


def draw(axis: Any, values: Any, truth: Any, facts: Mapping[str, Any]) -> None:
    """A scale from 0 to all but the largest true values."""
    axis.imshow(values, cmap="magma", vmin=0, vmax=np.percentile(truth, 99))


PRESENTATION = Presentation(
    "깊이",
    {"inverse_depth_l1": "역깊이", "abs_err": "절대", "rel_err": "상대", "rmse": "RMSE"},
    draw,
    english="depth",
)
