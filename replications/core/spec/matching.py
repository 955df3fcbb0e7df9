"""Which runs stand beside a run: the single-task run that matches it, and those that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replications.core.errors import StudyError
from replications.core.spec.axes import base_of, felt
from replications.core.spec.training import ITSELF, Run


def single_of(runs: Mapping[str, Run], task: str, run: Run) -> str | None:
    """Name of the single-task run that matches `run` on `task`, see `Plan.single_of`; None where
    there is none."""
    alone = [
        name
        for name, other in runs.items()
        if (other.trained, other.labels) == ([task], run.labels)
        and other.axis == felt(other, run.axis)
        and not other.loss_scale
        and other.settings in ({}, run.settings)
        and run.matched.get(task, base_of(name)) == base_of(name)
    ]
    # Of equally alike ones the first.
    return min(alone, key=lambda name: _unlikeness(runs[name], run), default=None)


def _unlikeness(single: Run, run: Run) -> int:
    (task,) = single.trained
    trained_on = ITSELF in run.needs or task in run.needs
    differing = (
        single.settings != run.settings,
        (ITSELF in single.needs) != trained_on,
        single.model != run.model,
    )
    return sum(2**place * differs for place, differs in enumerate(reversed(differing)))


def behind(run: str, runs: Mapping[str, Run]) -> list[str]:
    """The runs that a run needs, and those that these need; one that several need as often as they
    do."""
    needed = list(runs[run].needs.values())
    return [*needed, *(further for other in needed for further in behind(other, runs))]


def check_matched(runs: Mapping[str, Run], where: str) -> None:
    """Every task of every run is trained alone, and every run that another needs is there."""
    for run_name, run in runs.items():
        for task in run.tasks:
            if single_of(runs, task, run) is None:
                named = run.matched.get(task)
                raise StudyError(
                    f"{where}: '{run_name}' has task '{task}' but "
                    f"{f'its matched {named} does not train' if named else 'no run trains'} "
                    f"'{task}' alone on {run.labels} labels, so nothing matches it; add that "
                    "single-task run"
                )
        seen = [run_name]
        for role, needed in run.needs.items():
            if needed not in runs:
                raise StudyError(f"{where}: '{run_name}' needs '{needed}'; add that run")
            own, other = (_network(runs[name]) for name in (run_name, needed))
            if role == ITSELF and own != other:
                raise StudyError(
                    f"{where}: '{run_name}' trains on '{needed}', which must have the same tasks "
                    f"and model (found: {other}, expected: {own})"
                )
            _check_order(runs, needed, seen, where)


def _network(run: Run) -> tuple[list[str], dict[str, Any]]:
    return run.trained, run.model


def _check_order(runs: Mapping[str, Run], name: str, seen: list[str], where: str) -> None:
    """Refuse a run that needs itself by way of others."""
    if name in seen:
        raise StudyError(f"{where}: '{name}' needs itself, by way of {', '.join(seen)}")
    for needed in runs[name].needs.values():
        if needed in runs:
            _check_order(runs, needed, [*seen, name], where)
