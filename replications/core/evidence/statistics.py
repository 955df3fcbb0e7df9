"""Paired statistics over seeds: exact sign-flip test, Holm, intervals, effect size.

The seed is the unit of replication. A difference pairs two runs of one seed, so the seeds of the
single-task runs are resampled with those of the multi-task runs. What these choices do at few
seeds is simulated in `benchmarks/verdicts.py`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

ALPHA = 0.05
_EXACT_UP_TO = 16


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of the paired sign-flip test of zero mean, every sign pattern counted.

    With more than 16 differences 65,536 random patterns are drawn (fixed seed).
    """
    values = np.asarray(differences, dtype=float)
    sums = np.abs(_sign_patterns(len(values)) @ values)
    # A tolerance, so that patterns equal but for rounding count as equal.
    return float((sums >= abs(values.sum()) * (1 - 1e-12)).mean())


def joint_sign_flip_p(differences: Sequence[Sequence[float]]) -> float:
    """p-value of the joint sign-flip test that one of several mean differences is below zero.

    A row per comparison, a column per seed. The signs of a seed flip in all comparisons at once, so
    that what they share stays; the statistic is the largest fall of a mean below zero, in units of
    the root mean square of its differences (max-T: Westfall and Young, 1993). Doubled, since the
    other direction is tested as well: for one comparison it is `sign_flip_p`, or 1 if the mean is
    not below zero. However many the comparisons, it can get as small as 2 / 2**n.
    """
    values = np.asarray(differences, dtype=float)
    scale = np.sqrt((values**2).sum(axis=1, keepdims=True))
    falls = -values / np.where(scale > 0, scale, 1.0)
    largest = (_sign_patterns(values.shape[1]) @ falls.T).max(axis=1)
    observed = float(falls.sum(axis=1).max())
    return min(1.0, 2 * float((largest >= observed - 1e-12).mean()))


def _sign_patterns(n: int) -> np.ndarray:
    """Every pattern of n signs, or 65,536 random ones of more than 16; the observed one first."""
    if n <= _EXACT_UP_TO:
        return np.array(list(itertools.product((1.0, -1.0), repeat=n)))
    signs = np.random.default_rng(0).choice((1.0, -1.0), size=(2**_EXACT_UP_TO, n))
    signs[0] = 1.0
    return signs


def seeds_needed(tests: int) -> int:
    """The fewest seeds at which the sign-flip test, corrected for so many tests, can reach ALPHA.

    Its smallest two-sided p-value is 2 / 2**n, and the strictest correction multiplies by `tests`.
    """
    return math.ceil(math.log2(2 * tests / ALPHA))


def holm(p_values: Sequence[float], family: int) -> list[float]:
    """Holm's correction (Holm, 1979) over `family` tests: adjusted p-values in the order given.

    Of a family whose other p-values are not at hand, those given count as its smallest, which
    can only correct too much.
    """
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        running = max(running, min(1.0, (family - rank) * p_values[index]))
        adjusted[int(index)] = running
    return adjusted


def interval(values: Sequence[float], level: float = 1 - ALPHA) -> tuple[float, float]:
    """Student's interval of the mean; without bounds where one value says nothing of the spread.

    A bootstrap of few values is too narrow: see `benchmarks/verdicts.py`.
    """
    n = len(values)
    if n < 2:
        return -math.inf, math.inf
    mean = float(np.mean(values))
    half = float(stdtrit(n - 1, (1 + level) / 2) * np.std(values, ddof=1) / math.sqrt(n))
    return mean - half, mean + half


def effect_size(differences: Sequence[float]) -> float:
    """Hedges' g of paired differences: their mean in standard deviations, corrected for few pairs.

    NaN where the differences do not vary.
    """
    n = len(differences)
    spread = float(np.std(differences, ddof=1)) if n > 1 else 0.0
    if spread == 0:
        return math.nan
    return float(np.mean(differences)) / spread * (1 - 3 / (4 * (n - 1) - 1))
