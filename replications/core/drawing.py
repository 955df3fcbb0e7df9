"""How every figure looks: sizes, fonts, colours; and how it is written."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replications.core.files import replacing

MM = 1 / 25.4
FULL_WIDTH, COLUMN = 190 * MM, 92 * MM
"""Inches in a millimetre, between the margins of the paper, and of one of its columns."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, which colour-blind readers tell apart."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""One to go with each colour, for print in grey."""


# It warns of every table of the Korean font that it leaves out, at every figure.
logging.getLogger("fontTools.subset").setLevel(logging.ERROR)


def style() -> Any:
    """matplotlib's settings: Korean labels, fonts embedded as outlines, reproducible SVG."""
    return {
        "font.family": ["NanumGothic", "DejaVu Sans"],
        "font.size": 7.5,
        "axes.unicode_minus": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "pdf.fonttype": 42,
        "savefig.dpi": 300,
        "svg.hashsalt": "figure",
    }


def heatmap(
    axis: Axes,
    values: Any,
    rows: Sequence[str],
    columns: Sequence[str],
    colours: str = "Blues",
    ends: tuple[float, float] = (0.0, 1.0),
    number: str = "{:z.2f}",
) -> None:
    """Values between two ends, by default shares, a number in every cell that has one."""
    low, high = ends
    axis.imshow(values, cmap=colours, vmin=low, vmax=high, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            dark = (value > 0.6 * high) or (value < 0.6 * low < 0)
            look: dict[str, Any] = {"fontsize": 6, "color": "white" if dark else "black"}
            axis.text(column, row, number.format(value), ha="center", va="center", **look)
    axis.set_xticks(range(len(columns)), columns, fontsize=6)
    axis.set_yticks(range(len(rows)), rows, fontsize=6)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)


def save(figure: Figure, stem: Path) -> None:
    """As PDF for the paper and SVG for the report, without dates, so that they are reproducible."""
    for suffix, metadata in ((".pdf", {"CreationDate": None}), (".svg", {"Date": None})):
        with replacing(stem.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, format=suffix[1:], metadata=metadata)
        figure.set_layout_engine("none")  # both as it was laid out the first time
    plt.close(figure)
