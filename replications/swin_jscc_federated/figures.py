"""The figure of this replication: recovery and classification against the signal-to-noise ratio."""

from __future__ import annotations

from matplotlib.figure import Figure

from replications.core.evidence.condition_figure import against_condition
from replications.core.evidence.study import Results

_RUNS = ("joint", "convolutions", "federated", "federated_convolutions", "local")


def snr(results: Results) -> Figure:
    """A panel per task, a curve per run."""
    return against_condition(results, "snr_db", "신호 대 잡음비 (dB)", _RUNS)
