"""How many faults of a kind are tried: few in the suite, many where `FAULTS` says so."""

from __future__ import annotations

import os


def tried(kind: str, few: int) -> range:
    """The numbers of the faults of a kind; `few`: how many, unless the environment asks for
    `FAULTS=N`, or `FAULTS=KIND=N` for one kind."""
    asked = os.environ.get("FAULTS", "")
    own = [part.partition("=") for part in asked.split(",") if part]
    counts = {name if sign else "": int(count if sign else name) for name, sign, count in own}
    return range(counts.get(kind, counts.get("", few)))
