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


def part_p_values(differences: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """p-values of each of several mean differences being above, and being below zero.

    A row per comparison, a column per seed. The signs of a seed flip in all comparisons at once, so
    that what they share stays; a p-value is how often the largest rise of any mean, in units of the
    root mean square of its differences, is as large as this one's rise, or fall (single-step max-T:
    Westfall and Young, 1993). Doubled, since the other direction is tested as well: for one
    comparison it is `sign_flip_p`, or 1 where the mean lies on the other side. It holds its level
    over all of them together, and however many they are it can get as small as 2 / 2**n.
    """
    values = np.asarray(differences, dtype=float)
    scale = np.sqrt((values**2).sum(axis=1, keepdims=True))
    rises = values / np.where(scale > 0, scale, 1.0)
    largest = (_sign_patterns(values.shape[1]) @ rises.T).max(axis=1)

    def p(observed: float) -> float:
        return min(1.0, 2 * float((largest >= observed - 1e-12).mean()))

    return [(p(rise), p(-rise)) for rise in rises.sum(axis=1).tolist()]


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
    half = t_quantile(n, level) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return mean - half, mean + half


def t_quantile(n: int, level: float = 1 - ALPHA) -> float:
    """Half the width of Student's interval of the mean of n values, in standard errors."""
    return float(stdtrit(n - 1, (1 + level) / 2))


def effect_size(differences: Sequence[float]) -> float:
    """Hedges' g of paired differences: their mean in standard deviations, corrected for few pairs.

    NaN where the differences do not vary.
    """
    n = len(differences)
    spread = float(np.std(differences, ddof=1)) if n > 1 else 0.0
    if spread == 0:
        return math.nan
    return float(np.mean(differences)) / spread * (1 - 3 / (4 * (n - 1) - 1))
