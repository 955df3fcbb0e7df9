"""A replication like another: with its tasks, data and sizes of studies, and its runs at hand.

So a family of systems is compared on the same terms, and what all of them are compared with is
trained once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TAKEN = ("headline", "averaged", "columns", "settings")
_SIZE = ("seeds", "tuned", "first_seed", "like", "settings", "ladder", "over", "tasks")
"""What a study takes over of the other's study of its name; its runs are its own choice."""


def completed(own: Mapping[str, Any], other: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The content of a `replication.yaml` that is like `name`, with what it takes over from the
    `other` content.

    Raises:
        ValueError: the content has not the shape of one, both have a run of the same name, or the
            other lacks a study.
    """
    if other.get("like"):
        raise ValueError(f"like: '{name}' is itself like '{other['like']}'; name that one")
    _check(own)
    lent = {run: {**spec, "of": name} for run, spec in other["runs"].items()}
    if both := sorted(lent.keys() & own["runs"].keys()):
        raise ValueError(f"runs.{both[0]}: '{name}' has a run of that name; give it another")
    sizes = {
        study: {key: spec[key] for key in _SIZE if key in spec}
        for study, spec in other["studies"].items()
    }
    if unknown := sorted(own["studies"].keys() - sizes.keys()):
        raise ValueError(f"studies.{unknown[0]}: '{name}' has no such study, to take its size from")
    taken = {key: other[key] for key in _TAKEN if key in other}
    return overlaid(taken, own) | {
        "runs": lent | own["runs"],
        "studies": {study: overlaid(sizes[study], spec) for study, spec in own["studies"].items()},
    }


def _check(content: Mapping[str, Any]) -> None:
    for part in ("runs", "studies"):
        own = content.get(part)
        if not isinstance(own, Mapping) or not all(isinstance(v, Mapping) for v in own.values()):
            raise ValueError(f"{part}: a mapping from names to mappings is expected")


def overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid on it, key by key, down through nested mappings."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = overlaid(merged[key], value) if both else value
    return merged
