"""What the claims of a replication compare in a plan: which runs, on which task, where."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from replications.core.spec.axes import base_of, variant_name, written
from replications.core.spec.claims import SINGLES, Better, Claim, Comparison, Crossing
from replications.core.spec.training import value_at

if TYPE_CHECKING:
    from replications.core.spec.plan import Plan


def comparisons(plan: Plan, claim: Claim) -> list[Comparison]:
    """What a claim compares, one by one."""
    return [
        comparison
        for statement in claim.statements
        for against in statement.rivals or [""]
        for task in plan.replication.tasks_of(statement)
        # Of all tasks those that both have: a single-task run is a rival on its own.
        if statement.tasks != "all" or _has(plan, statement.run, task, against)
        for comparison in _compared(plan, statement, against, task)
    ]


def _has(plan: Plan, run: str, task: str, against: str) -> bool:
    known = plan.replication.runs
    return all(task in known[name].tasks for name in (run, against) if name)


def _compared(plan: Plan, statement: Better, against: str, task: str) -> list[Comparison]:
    """The comparisons of a statement with one other run on one task."""
    metric = statement.metric or plan.replication.headline[task]
    found = []
    for condition in _conditions_of(plan, statement):
        compared = functools.partial(
            Comparison,
            task=task,
            metric=metric,
            margin=statement.margin,
            beyond=statement.beyond,
            relative=statement.relative,
            condition=condition,
        )
        if isinstance(statement, Crossing):
            values = list(_several(plan, statement.run, statement.axis).values())
            low, high = (_pair(statement.run, against, values[end]) for end in (0, -1))
            found += [compared({0.0: low[::-1]}), compared({0.0: high})]
        elif statement.slope:
            # What stands for the single-task runs is not laid out.
            standing_in = statement.run == SINGLES
            lead = against if standing_in else statement.run
            pairs = {
                value: (SINGLES, run) if standing_in else _pair(lead, against, run)
                for value, run in _several(plan, lead, statement.slope).items()
            }
            found.append(compared(pairs, slope=statement.slope))
        else:
            found += [
                compared({0.0: _pair(statement.run, against, run)})
                for run in _variants_of(plan, statement)
            ]
    return found


def _several(plan: Plan, run: str, axis: str) -> dict[float, str]:
    """See `along`; of a study without the axis, runs that it lacks."""
    found = plan.along(run, axis)
    return found if len(found) > 1 else {0.0: f"{run}@{axis}=?", 1.0: f"{run}@{axis}=?"}


def _variants_of(plan: Plan, statement: Better) -> list[str]:
    if statement.over == "every":
        return [run for run in plan.runs if base_of(run) == statement.run] or [statement.run]
    own = {
        axis: value
        for axis, value in (statement.over or {}).items()
        if value != value_at(plan.settings, axis)
    }
    return [variant_name(statement.run, own)]


def _conditions_of(plan: Plan, statement: Better) -> list[str]:
    if statement.at == "every":
        return [written(condition) for condition in ({}, *plan.settings.conditions)]
    return [written(statement.at or {})]


def _pair(run: str, against: str, at: str) -> tuple[str, str]:
    """The two runs of a comparison, where the first is at the axis values of its variant `at`."""
    axis = at.removeprefix(run)
    return at, against if against in ("", SINGLES) else f"{against}{axis}"
