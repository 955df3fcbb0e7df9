"""The figures of this replication: recovery and classification against the signal-to-noise ratio
and against each other, and what arrives of pictures."""

from __future__ import annotations

from matplotlib.figure import Figure

from replications.core.evidence.arrivals_figure import arrivals_figure
from replications.core.evidence.condition_figure import against_condition
from replications.core.evidence.study import Results
from replications.core.evidence.tradeoff_figure import tradeoff_figure

_RUNS = ("recovery_alone", "joint", "joint_strong", "joint_linear", "gated")


def snr(results: Results) -> Figure:
    """A panel per task, a curve per run."""
    return against_condition(results, "snr_db", "신호 대 잡음비 (dB)", _RUNS)


def tradeoff(results: Results) -> Figure:
    """Recovery against classification along the rate."""
    return tradeoff_figure(
        results, [("model.symbols", "복소 기호의 수"), ("snr_db", "SNR (dB)")], _RUNS
    )


def arrives(results: Results) -> Figure:
    """Pictures as they arrive."""
    return arrivals_figure(results.experiment("arrives"), "dB")
