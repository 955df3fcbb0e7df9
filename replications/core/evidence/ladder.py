"""Whether more training would change a verdict: the budget ladder.

A study with a ladder trains the runs that tested claims compare at several budgets, each twice the
one before and each with its full schedule. The rule. A comparison is settled if it is decided the
same way at the last two budgets, and would be so should the next doubling change the difference as
the last one did: the 95 % interval of that, of twice the last difference less the one before, seed
by seed, does not reach 0. Runs that still gain, but alike, leave differences alone and do not count
against it; curves that are about to meet or to cross do. The verdict on a claim is that of its
settled comparisons: the others are open. Where none of those that were decided is settled, nor is
the claim. Claims that are not tested over seeds do not depend on the budget.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from replications.core.data.labels import Array
from replications.core.evidence.comparisons import differences
from replications.core.evidence.statistics import ALPHA, interval
from replications.core.evidence.values import Values
from replications.core.evidence.verdicts import PARTS, SIDES, concluded, parts_of
from replications.core.spec import ALL_TASKS, Claim, Comparison, Plan, base_of, variant_name

NOT_SETTLED = "not settled"
FOR, AGAINST, OPEN, LACKING = PARTS


def at_budget(plan: Plan, comparison: Comparison, steps: int) -> Comparison:
    """The comparison between the same runs trained for `steps`."""
    if comparison.slope == "steps":
        return comparison

    def of(run: str) -> str:
        if run not in plan.runs or (steps == plan.settings.steps and not comparison.slope):
            return run
        return run_at_budget(plan, run, steps)

    pairs = {at: (of(run), of(against)) for at, (run, against) in comparison.pairs.items()}
    return dataclasses.replace(comparison, pairs=pairs)


def run_at_budget(plan: Plan, run: str, steps: int) -> str:
    """What the same run trained for `steps` is called."""
    axis = plan.runs[run].axis | {"steps": steps}
    if steps == plan.settings.steps:
        del axis["steps"]
    return variant_name(base_of(run), axis)


def settled(plan: Plan, tables: Mapping[int, pd.DataFrame], values: Values) -> pd.DataFrame:
    """Each claim at its last budget, by those of its comparisons that are settled.

    `tables`: rows of claims.csv by budget, in rising order, with the side of each comparison.
    `settled_from` is the least budget from which on these are decided as they are.
    """
    by_claim = {steps: own.set_index("claim", drop=False) for steps, own in tables.items()}
    rows = []
    for number, claim in plan.replication.claims.items():
        known = budgets(plan, claim)
        row = by_claim[known[-1]].loc[number].to_dict()
        if claim.tested and row["verdict"] != "undecided":
            sides = {steps: by_claim[steps].loc[number, SIDES] for steps in known}
            row |= _settled(plan, claim, sides, values)
        rows.append(row)
    columns = [*next(iter(tables.values())).columns]
    return pd.DataFrame(rows, columns=columns).astype({"settled_from": "Int64"})


def budgets(plan: Plan, claim: Claim) -> list[int]:
    """The budgets of the ladder at which the study has what a claim compares, as far as it has it
    at any; the last where it has nothing of it."""
    comparisons = plan.comparisons(claim)
    known = {
        steps: [at_budget(plan, one, steps).runs <= set(plan.runs) for one in comparisons]
        for steps in plan.ladder
    }
    most = [any(own) for own in zip(*known.values(), strict=True)]
    return [s for s, own in known.items() if own == most and any(most)] or plan.ladder[-1:]


def _settled(
    plan: Plan, claim: Claim, sides: Mapping[int, Sequence[str]], values: Values
) -> dict[str, object]:
    """What of a claim's row settling changes; `sides`: of each comparison, by budget."""
    known, comparisons = list(sides), plan.comparisons(claim)
    kept = [
        side if side == LACKING or _is_settled(plan, one, known, side, before, values) else OPEN
        for one, side, before in zip(
            comparisons, sides[known[-1]], sides[known[max(0, len(known) - 2)]], strict=True
        )
    ]
    certain = [index for index, side in enumerate(kept) if side in (FOR, AGAINST)]
    as_kept = [all(sides[steps][index] == kept[index] for index in certain) for steps in known]
    since = next((steps for at, steps in enumerate(known) if all(as_kept[at:])), None)
    settled_from = since if certain else None
    found = concluded(plan, comparisons, kept, NOT_SETTLED)
    return found | {"settled_from": settled_from}


def _is_settled(
    plan: Plan, comparison: Comparison, known: Sequence[int], side: str, before: str, values: Values
) -> bool:
    """Whether a comparison is on a side at the last two budgets, and would be after another change
    like that from one to the other."""
    if side == OPEN or side != before or len(known) < 2:
        return False
    earlier, last = (differences(at_budget(plan, comparison, s), values) for s in known[-2:])
    if earlier is None or last is None:
        return False
    low, high = interval((2 * last - earlier + comparison.margin).tolist())
    return low > 0 if side == FOR else high < 0


class Sides(NamedTuple):
    """Of a comparison: the side it is on at the last budget, and the one it is settled on."""

    last: str
    settled: str


def sides_of(plan: Plan, comparisons: Sequence[Comparison], values: Values) -> list[Sides]:
    """The sides of several comparisons that no claim makes, tested together; without a ladder what
    is decided counts as settled."""

    def at(steps: int) -> list[str]:
        return [
            FOR if part.p_for <= ALPHA else AGAINST if part.p_against <= ALPHA else OPEN
            for part in parts_of([at_budget(plan, one, steps) for one in comparisons], values)
        ]

    if not plan.ladder:
        return [Sides(side, side) for side in at(plan.settings.steps)]
    *_, earlier, last = plan.ladder
    return [
        Sides(side, side if _is_settled(plan, one, plan.ladder, side, before, values) else OPEN)
        for one, side, before in zip(comparisons, at(last), at(earlier), strict=True)
    ]


def ladder_table(plan: Plan, values: Values) -> pd.DataFrame:
    """A row per comparison of a tested claim and budget: difference, its 95 % interval, and the
    difference in percent of the other run's mean, or as it is for delta_m."""
    columns = ["replication", "claim", "part", "run", "against", "task", "metric", "steps"]
    columns += ["difference", "low", "high", "percent", "percent_low", "percent_high"]
    rows = []
    for number, claim in plan.replication.claims.items():
        for part, comparison in enumerate(plan.comparisons(claim)):
            for steps, found, size in along_ladder(plan, comparison, values):
                mean, ends = float(found.mean()), interval(found.tolist())
                place = (comparison.run, comparison.against, comparison.task, comparison.metric)
                percents = [100 * value / size for value in (mean, *ends)]
                rows.append((plan.name, number, part, *place, steps, mean, *ends, *percents))
    return pd.DataFrame(rows, columns=columns)


def along_ladder(
    plan: Plan, comparison: Comparison, values: Values
) -> Iterator[tuple[int, Array, float]]:
    """The budgets at which a comparison has been made: steps, the differences (seeds,), and what is
    100 % of them, NaN where that is 0 as the average precision of a detector that finds nothing."""
    for steps in plan.budgets:
        own = at_budget(plan, comparison, steps)
        found = differences(own, values)
        if found is not None:
            yield steps, found, _size(own, values) or math.nan


def _size(comparison: Comparison, values: Values) -> float:
    """What a difference is in percent of; 100 where it is in percent already."""
    other = values.of(comparison.against, comparison.task, comparison.metric, comparison.condition)
    if other is None or comparison.task == ALL_TASKS or comparison.relative:
        return 100.0
    return float(abs(other.mean()))
