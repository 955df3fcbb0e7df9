"""Runs laid out along axes: a variant of a run for every value, and of what it is compared with."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from replications.core.spec.training import Run

Value = int | float
Axis = dict[str, Value]
Resolve = Callable[[str], Value]
"""The value of a setting, by its path, as the study's settings have it."""


def written(values: Mapping[str, Value]) -> str:
    """Axis values, or a condition, as tables and folders have them: `steps=640,width=8`."""
    return ",".join(f"{name}={value:.12g}" for name, value in sorted(values.items()))


def variant_name(run: str, axis: Mapping[str, Value]) -> str:
    """What a run at axis values is called, and its folder: `joint@steps=640`."""
    return f"{run}@{written(axis)}" if axis else run


def base_of(run: str) -> str:
    """The run of which `run` is a variant, or itself."""
    return run.partition("@")[0]


def laid_out(
    runs: Mapping[str, Run],
    axes: Mapping[str, Sequence[Axis]],
    matching: Callable[[str, str], str | None],
) -> dict[str, Run]:
    """The runs, each followed by its variants.

    A run is laid out at its values (`axes`), and at the same values the single-task runs that match
    it (`matching(task, run)`): those of another replication, which have another model, along what
    is not the model's (`felt`).
    """
    wanted: dict[str, list[Axis]] = {name: [] for name in runs}
    for name, run in runs.items():
        partners = [matching(task, name) for task in run.tasks if run.role == "multi"]
        for axis in axes.get(name, ()):
            for partner in dict.fromkeys([name, *filter(None, partners)]):
                place = axis if partner == name else felt(runs[partner], axis)
                if place and place not in wanted[partner]:
                    wanted[partner].append(place)
    result: dict[str, Run] = {}
    for name, run in runs.items():
        result[name] = run
        for axis in wanted[name]:
            result[variant_name(name, axis)] = run.model_copy(
                update={
                    "axis": axis,
                    "title": f"{run.title} ({written(axis)})",
                    "needs": {
                        role: _nearest(needed, axis, wanted[needed])
                        for role, needed in run.needs.items()
                    },
                }
            )
    return result


def felt(run: Run, axis: Axis) -> Axis:
    """The values of an axis that a run which matches another has as well."""
    return {path: v for path, v in axis.items() if not (run.of and path.startswith("model."))}


def _nearest(run: str, axis: Axis, laid: Sequence[Axis]) -> str:
    """The variant of a run that has the values of an axis, as far as it is laid out along it."""
    names = {name for own in laid for name in own}
    own = {name: value for name, value in axis.items() if name in names}
    return variant_name(run, own) if own in laid else run


def grid(over: Mapping[str, Sequence[Value]], settings: Resolve) -> list[Axis]:
    """Every combination of values as what differs from the settings; the settings' own left out."""
    own = {name: settings(name) for name in over}
    found = []
    for values in itertools.product(*(dict.fromkeys([own[n], *over[n]]) for n in over)):
        axis = {n: v for n, v in zip(over, values, strict=True) if v != own[n]}
        if axis:
            found.append(axis)
    return found


def set_at(settings: Mapping[str, Any], axis: Mapping[str, Value]) -> dict[str, Any]:
    """Settings with the values of an axis in place."""
    result = dict(settings)
    for path, value in axis.items():
        first, _, rest = path.partition(".")
        result[first] = set_at(result[first], {rest: value}) if rest else value
    return result
