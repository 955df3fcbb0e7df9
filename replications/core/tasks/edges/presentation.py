"""How boundaries are named and drawn."""

from collections.abc import Mapping
from typing import Any

from replications.core.presentation import Presentation


def draw(axis: Any, values: Any, truth: Any, facts: Mapping[str, Any]) -> None:
    """Black where a boundary is certain."""
    axis.imshow(values, cmap="gray_r", vmin=0, vmax=1)


PRESENTATION = Presentation("경계", {"ods_f": "ODS-F"}, draw, english="edges")
