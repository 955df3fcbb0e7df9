"""Verdicts on claims that are tested over seeds.

The rule. A comparison is a paired difference over seeds, oriented so that positive favours the
claim, tested by the exact two-sided sign-flip test. A claim holds (`reproduced`) only if all its
comparisons do, so its p-value is the largest of theirs (intersection-union). Where that is not
small enough each comparison is decided by itself, by the joint sign-flip test of all of them
(max-T): the claim is `partly` reproduced if some hold, `contradicted` if some are reversed, and
`mixed` if some hold and others are reversed. p-values are corrected over the tested claims of the
paper (Holm), those of its other replications counted too; questions of our own are corrected among
themselves. A comparison with a flaw is not tested and open. `undecided` is what remains, for a
reason that the table gives:

- `not trained`: a comparison is with a run that is at its floor, see `floors.py`;
- `not meaningful`: of a delta_m relative to a single-task run at its floor or unsteady;
- `lacks runs`: the study does not have all runs that it is about;
- `not settled`: more training might change all that was decided, see `ladder.py`;
- `few seeds`: fewer than `seeds_needed`, at which it could be decided either way.

A margin turns a comparison into one of non-inferiority: it is added to every difference before the
test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from replications.core.data.labels import Array
from replications.core.evidence.comparisons import differences
from replications.core.evidence.floors import Floors
from replications.core.evidence.naming import part_names
from replications.core.evidence.statistics import ALPHA, part_p_values, sign_flip_p
from replications.core.evidence.values import Values
from replications.core.spec import Comparison, Plan

PARTS = ("parts_for", "parts_against", "parts_open", "parts_lacking")
"""Which comparisons of a claim hold, are reversed, are open, and lack a run in the study."""
SIDES = "sides"
"""Of which of them each comparison is, in a table that is not written."""


@dataclass(frozen=True)
class Part:
    """A comparison of a claim.

    Attributes:
        found: its differences with the margin, over seeds; None where it is not tested, since the
            study lacks a run or it has a flaw.
        p_for: of its holding, joint with those of the other parts; `p_against`: of its being
            reversed; both 1 where it is not tested.
        flaw: why nothing can be decided by it, if that is so.
    """

    comparison: Comparison
    found: Array | None
    p_for: float = 1.0
    p_against: float = 1.0
    flaw: str = ""


def parts_of(
    comparisons: Sequence[Comparison], values: Values, flaws: Sequence[str] = ()
) -> list[Part]:
    """The parts of a claim, tested; `flaws`: see `flaw`, of each, none given: they have none."""
    flaws = flaws or [""] * len(comparisons)
    found: list[Array | None] = []
    for one, flaw in zip(comparisons, flaws, strict=True):
        own = None if flaw else differences(one, values)
        found.append(None if own is None else own + one.margin)
    known = [own.tolist() for own in found if own is not None]
    p_values = iter(part_p_values(known) if known else [])
    return [
        Part(one, own, *((1.0, 1.0) if own is None else next(p_values)), flaw)
        for one, own, flaw in zip(comparisons, found, flaws, strict=True)
    ]


def evidence(parts: Sequence[Part]) -> dict[str, object]:
    """p-values of a claim: of all parts holding, of some holding, of some being reversed.

    A comparison that is not tested keeps it from being reproduced, not from being contradicted by
    the others.
    """
    known = [part.found for part in parts if part.found is not None]
    if not known:
        return {}
    p_all = 1.0
    if len(known) == len(parts):
        p_all = max(sign_flip_p(own.tolist()) if own.sum() > 0 else 1.0 for own in known)
    return {
        "p_all": p_all,
        "p_for": min(part.p_for for part in parts),
        "p_against": min(part.p_against for part in parts),
    }


def flaw(comparison: Comparison, floors: Floors, baseless: set[tuple[str, str]]) -> str:
    """Why nothing can be decided by a comparison, if that is so; `baseless`: runs and definitions
    of delta_m that are not meaningful."""
    if not floors.none_of(comparison.runs, comparison.task):
        return "not trained"
    metrics = {(run, comparison.metric) for run in comparison.runs}
    return "not meaningful" if baseless & metrics else ""


def decided(plan: Plan, row: pd.Series, parts: Sequence[Part]) -> dict[str, object]:
    """Verdict, reason and parts of a claim, from its row with the corrected p-values."""
    lacking = "" if row["complete"] else "lacks runs"
    few = "few seeds" if plan.seeds < row["seeds_needed"] else ""
    flaws = [part.flaw for part in parts if part.flaw]
    reason = flaws[0] if flaws else lacking or few
    comparisons = [part.comparison for part in parts]
    if pd.isna(row["p_all"]):
        return concluded(plan, comparisons, ["parts_open"] * len(parts), reason, named=False)
    if row["p_all_holm"] <= ALPHA:
        return concluded(plan, comparisons, ["parts_for"] * len(parts), reason)
    return concluded(plan, comparisons, [_side(row, part) for part in parts], reason)


def concluded(
    plan: Plan,
    comparisons: Sequence[Comparison],
    sides: Sequence[str],
    reason: str,
    named: bool = True,
) -> dict[str, object]:
    """Verdict, reason and parts of a claim, from the side that each of its comparisons is on.

    `reason`: why it is undecided, if it is. Of all holding one by one the claim holds: their test
    keeps its level over all of them together.
    """
    holds, reversed_ = "parts_for" in sides, "parts_against" in sides
    verdict = "undecided"
    if set(sides) == {"parts_for"}:
        verdict = "reproduced"
    elif holds or reversed_:
        verdict = "contradicted" if not holds else "mixed" if reversed_ else "partly"
    names = part_names(plan, comparisons) if named else [""] * len(sides)
    shown = {
        part: "; ".join(n for n, side in zip(names, sides, strict=True) if n and side == part)
        for part in PARTS
    }
    reason = reason if verdict == "undecided" else ""
    return {"verdict": verdict, "reason": reason, SIDES: tuple(sides), **shown}


def _side(row: pd.Series, part: Part) -> str:
    """What a part is, the claim's correction over the claims of the paper applied to it."""
    if part.found is None:
        return "parts_open" if part.flaw else "parts_lacking"
    if part.p_for * row["p_for_holm"] / row["p_for"] <= ALPHA:
        return "parts_for"
    if part.p_against * row["p_against_holm"] / row["p_against"] <= ALPHA:
        return "parts_against"
    return "parts_open"
