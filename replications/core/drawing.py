"""How every figure looks: sizes, fonts, colours; and how it is written."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
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


def save(figure: Figure, stem: Path) -> None:
    """As PDF for the paper and SVG for the report, without dates, so that they are reproducible."""
    for suffix, metadata in ((".pdf", {"CreationDate": None}), (".svg", {"Date": None})):
        with replacing(stem.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, format=suffix[1:], metadata=metadata)
    plt.close(figure)
