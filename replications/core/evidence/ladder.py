"""Whether more training would change a verdict: the budget ladder.

A study with a ladder trains the runs that tested claims compare at several budgets, each twice the
one before and each with its full schedule. The rule. A verdict is settled if it is the same at the
last two budgets, and if it would still hold should the next doubling change every difference by as
much as the last one did: the 95 % interval of each comparison that was decided, moved by that
change where it is adverse, does not reach 0. Runs that still gain, but alike, leave differences
alone and do not count against it; curves that are about to meet or to cross do. A verdict that is
not settled is none. Claims that are not tested over seeds do not depend on the budget.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import pandas as pd

from replications.core.evidence.comparisons import differences
from replications.core.evidence.statistics import interval
from replications.core.evidence.values import Values
from replications.core.evidence.verdicts import PARTS
from replications.core.spec import ALL_TASKS, Claim, Comparison, Plan, base_of, variant_name

NOT_SETTLED = "not settled"


def at_budget(plan: Plan, comparison: Comparison, steps: int) -> Comparison:
    """The comparison between the same runs trained for `steps`."""
    if comparison.slope == "steps":
        return comparison

    def of(run: str) -> str:
        if run not in plan.runs or (steps == plan.settings.steps and not comparison.slope):
            return run
        axis = plan.runs[run].axis | {"steps": steps}
        if steps == plan.settings.steps:
            del axis["steps"]
        return variant_name(base_of(run), axis)

    pairs = {at: (of(run), of(against)) for at, (run, against) in comparison.pairs.items()}
    return dataclasses.replace(comparison, pairs=pairs)


def settled(plan: Plan, tables: Mapping[int, pd.DataFrame], values: Values) -> pd.DataFrame:
    """Each claim at its last budget, those that are not settled undecided for that reason.

    `tables`: rows of claims.csv by budget, in rising order. `settled_from` is the least budget from
    which on the verdict is the same.
    """
    by_claim = {steps: own.set_index("claim", drop=False) for steps, own in tables.items()}
    rows = []
    for number, claim in plan.replication.claims.items():
        known = budgets(plan, claim)
        row = by_claim[known[-1]].loc[number].to_dict()
        verdicts = [by_claim[steps].loc[number, "verdict"] for steps in known]
        same = [
            steps for index, steps in enumerate(known) if set(verdicts[index:]) == {row["verdict"]}
        ]
        row["settled_from"] = same[0] if claim.tested and row["verdict"] != "undecided" else None
        if row["settled_from"] and not (len(same) > 1 and _holds_on(plan, claim, values)):
            row |= {"verdict": "undecided", "reason": NOT_SETTLED, "settled_from": None}
            row |= dict.fromkeys(PARTS, "")
        rows.append(row)
    columns = [*next(iter(tables.values())).columns]
    return pd.DataFrame(rows, columns=columns).astype({"settled_from": "Int64"})


def budgets(plan: Plan, claim: Claim) -> list[int]:
    """The budgets of the ladder at which the study has all that a claim compares; the last where it
    has it at none."""
    compared = {
        steps: [at_budget(plan, one, steps) for one in plan.comparisons(claim)]
        for steps in plan.ladder
    }
    return [
        steps
        for steps, own in compared.items()
        if all(comparison.runs <= set(plan.runs) for comparison in own)
    ] or plan.ladder[-1:]


def _holds_on(plan: Plan, claim: Claim, values: Values) -> bool:
    """Whether the next doubling, should it change the differences as the last one did, would leave
    every comparison of a claim that was decided where it is."""
    before, now = budgets(plan, claim)[-2:]
    for comparison in plan.comparisons(claim):
        last = differences(at_budget(plan, comparison, now), values)
        earlier = differences(at_budget(plan, comparison, before), values)
        if last is None or earlier is None:
            return False
        low, high = interval((last + comparison.margin).tolist())
        change = float(last.mean() - earlier.mean())
        if (low > 0 and low + change <= 0) or (high < 0 and high + change >= 0):
            return False
    return True


def ladder_table(plan: Plan, values: Values) -> pd.DataFrame:
    """A row per comparison of a tested claim and budget: difference, its 95 % interval, and the
    difference in percent of the other run's mean, or as it is for delta_m."""
    columns = ["replication", "claim", "part", "run", "against", "task", "metric", "steps"]
    columns += ["difference", "low", "high", "percent", "percent_low", "percent_high"]
    rows = []
    for number, claim in plan.replication.claims.items():
        for part, comparison in enumerate(plan.comparisons(claim)):
            for steps in plan.budgets:
                own = at_budget(plan, comparison, steps)
                found = differences(own, values)
                if found is None:
                    continue
                mean, ends = float(found.mean()), interval(found.tolist())
                size = _size(own, values)
                place = (plan.name, number, part, comparison.run, comparison.against, own.task)
                # Of a detector that finds nothing the average precision is 0.
                percents = [100 * value / size if size else math.nan for value in (mean, *ends)]
                rows.append((*place, own.metric, steps, mean, *ends, *percents))
    return pd.DataFrame(rows, columns=columns)


def _size(comparison: Comparison, values: Values) -> float:
    """What a difference is in percent of; 100 where it is in percent already."""
    other = values.of(comparison.against, comparison.task, comparison.metric, comparison.condition)
    if other is None or comparison.task == ALL_TASKS or comparison.relative:
        return 100.0
    return float(abs(other.mean()))
