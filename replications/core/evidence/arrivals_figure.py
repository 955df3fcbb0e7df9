"""Pictures as they were sent and as they arrive under the values of a condition."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from replications.core.drawing import COLUMN


def arrivals_figure(table: pd.DataFrame, unit: str) -> Figure:
    """A row for what was sent and for every value of the condition, a column per picture; `table`
    is that of `inference.arrivals`."""
    places = [np.nan, *sorted(table["at"].dropna().unique())]
    columns = sorted(table["picture"].unique())
    size = (COLUMN, COLUMN * len(places) / (len(columns) + 1))
    gaps = {"wspace": 0.05, "hspace": 0.05, "left": 0.15, "right": 1, "bottom": 0, "top": 1}
    figure, grid = plt.subplots(
        len(places), len(columns), figsize=size, gridspec_kw=gaps, squeeze=False
    )
    for line, place in zip(grid, places, strict=True):
        own = table[table["at"].isna() if np.isnan(place) else table["at"] == place]
        for axis, row in zip(line, own.sort_values("picture").itertuples(), strict=True):
            picture = np.frombuffer(bytes.fromhex(row.pixels), np.uint8).reshape(row.height, -1)
            axis.imshow(picture, cmap="gray_r", vmin=0, vmax=255)
            axis.set(xticks=[], yticks=[])
        name = "보냄" if np.isnan(place) else f"{place:g} {unit}"
        line[0].set_ylabel(name, fontsize=6.5, rotation=0, ha="right", va="center")
    return figure
