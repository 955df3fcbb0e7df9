"""The figures of this replication: recovery and classification against the signal-to-noise ratio
and against each other, and what arrives of pictures."""

from __future__ import annotations

from matplotlib.figure import Figure

from replications.core.evidence.arrivals_figure import arrivals_figure
from replications.core.evidence.condition_figure import against_condition
from replications.core.evidence.study import Results
from replications.core.evidence.tradeoff_figure import tradeoff_figure

_RUNS = ("joint", "shared_norms", "bpsk_everywhere", "only_qam16", "qam256_everywhere")


def snr(results: Results) -> Figure:
    """A panel per task, a curve per run."""
    return against_condition(results, "snr_db", "신호 대 잡음비 (dB)", _RUNS)


def tradeoff(results: Results) -> Figure:
    """Recovery against classification along the rate."""
    return tradeoff_figure(results, [("snr_db", "SNR (dB)")], _RUNS)


def arrives(results: Results) -> Figure:
    """Pictures as they arrive."""
    return arrivals_figure(results.experiment("arrives"), "dB")
