"""Paired differences between runs: how large, how sure, and what makes them unsure."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd

from replications.core.data.labels import Array
from replications.core.evidence.statistics import effect_size, interval, sign_flip_p, t_quantile
from replications.core.evidence.values import Values
from replications.core.spec import Comparison, Plan

COMPARISONS_KEY = ["replication", "claim", "run", "against", "task", "metric"]
_COLUMNS = [
    *[*COMPARISONS_KEY, "condition", "slope", "beyond", "relative", "margin", "seeds"],
    *["difference", "low", "high", "effect_size", "p"],
    *["se_seeds", "se_samples", "low_both", "high_both", "dominant"],
]


def differences(comparison: Comparison, values: Values) -> Array | None:
    """Paired differences on the test split, positive favouring the claim, (seeds,) or
    (seeds, draws).

    With `relative`, in percent of the mean of the other run; with `beyond`, the differences on the
    metric less those on the other metric; of a slope, that of the differences against the axis, per
    doubling where its values are positive. None where the study lacks one of the runs.
    """
    if comparison.beyond is not None:
        own, less = (
            differences(dataclasses.replace(comparison, metric=metric, beyond=None), values)
            for metric in (comparison.metric, comparison.beyond)
        )
        return None if own is None or less is None else own - less
    pairs = [_pair(comparison, *runs, values) for runs in comparison.pairs.values()]
    found = [pair for pair in pairs if pair is not None]
    if len(found) < len(pairs):
        return None
    if not comparison.slope:
        return found[0]
    at = np.array(list(comparison.pairs))
    at = np.log2(at) if (at > 0).all() else at
    table = np.stack(found)
    slopes = np.polyfit(at, table.reshape(len(at), -1), 1)[0]
    return np.asarray(slopes.reshape(table.shape[1:]))


def _pair(comparison: Comparison, run: str, against: str, values: Values) -> Array | None:
    """The differences of one run from another; a run that only stands for another is 0."""
    own, other = (
        values.of(name, comparison.task, comparison.metric, comparison.condition)
        for name in (run, against)
    )
    if (own is None and run in comparison.runs) or (other is None and against in comparison.runs):
        return None
    sign = values.sign(comparison.task, comparison.metric)
    found = sign * np.asarray((0.0 if own is None else own) - (0.0 if other is None else other))
    if not comparison.relative:
        return found
    mean = np.abs(other.mean(axis=0)) if other is not None else math.nan
    return np.asarray(100 * found / mean)


def comparisons_table(plan: Plan, values: Values, redrawn: Values | None = None) -> pd.DataFrame:
    """One row per comparison whose runs the study has: difference, interval, effect size, p.

    `difference` is the mean over seeds in the metric's unit, or percent, positive favouring the
    claim, with its 95 % interval; `effect_size` is Hedges' g; `p` is of the difference plus the
    margin. Of a slope it is that per doubling along the axis. `redrawn`: the values on test
    splits drawn anew, of which comes how much the choice of the test samples matters.
    """
    rows = []
    for number, claim in plan.replication.claims.items():
        for comparison in plan.comparisons(claim):
            found = differences(comparison, values)
            if found is None:
                continue
            row = {
                "replication": plan.name,
                "claim": number,
                "run": comparison.run,
                "against": comparison.against,
                "task": comparison.task,
                "metric": comparison.metric,
                "condition": comparison.condition,
                "slope": comparison.slope,
                "beyond": comparison.beyond or "",
                "relative": comparison.relative,
                "margin": comparison.margin,
                "seeds": len(found),
            }
            drawn = differences(comparison, redrawn) if redrawn else None
            rows.append(row | _measured(found, comparison.margin) | _sources(found, drawn))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _measured(found: Array, margin: float) -> dict[str, float]:
    low, high = interval(found.tolist())
    return {
        "difference": float(found.mean()),
        "low": low,
        "high": high,
        "effect_size": effect_size(found.tolist()),
        "p": sign_flip_p((found + margin).tolist()),
    }


def _sources(found: Array, drawn: Array | None) -> dict[str, object]:
    """What makes the mean difference unsure: the seeds, the test samples, and which of them most.

    Standard errors: over seeds, on the test split as it is; over test splits drawn from its groups,
    of the mean over seeds. The interval of both adds their squares, with Student's quantile for
    the seeds.
    """
    n = len(found)
    if drawn is None or n < 2:
        return {"dominant": ""}
    seeds = float(found.std(ddof=1) / math.sqrt(n))
    samples = float(drawn.mean(axis=0).std(ddof=1))
    half = t_quantile(n) * math.hypot(seeds, samples)
    mean = float(found.mean())
    return {
        "se_seeds": seeds,
        "se_samples": samples,
        "low_both": mean - half,
        "high_both": mean + half,
        "dominant": "seeds" if seeds >= samples else "samples",
    }
