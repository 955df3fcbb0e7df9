"""Verdicts on a paper's claims.

The rule. A comparison is a paired difference over seeds, oriented so that positive favours the
claim, tested by the exact two-sided sign-flip test. A claim holds (`reproduced`) only if all its
comparisons do, so its p-value is the largest of theirs (intersection-union). Where it does not,
each comparison is decided by itself, by the joint sign-flip test of all of them (max-T): the claim
is `partly` reproduced if some hold, and `contradicted` if none does and some are reversed. p-values
are corrected over the tested claims of the paper (Holm), those of its other replications counted
too. `undecided` is what remains, for a reason that the table gives:

- `not trained`: it rests on a run that is at its floor, see `floors.py`;
- `not meaningful`: it rests on a delta_m relative to a single-task run at its floor or unsteady;
- `lacks runs`: the study does not have all runs that it is about;
- `not settled`: more training might change the verdict, see `ladder.py`;
- `few seeds`: fewer than `seeds_needed`, at which it could be decided either way.

A margin turns a comparison into one of non-inferiority: it is added to every difference before the
test. Costs are not tested: parameters and operations do not vary with the seed, and a claim about
them, or about measured latency, holds where every seed saves enough and fails where none does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from replications.core.data.labels import Array
from replications.core.errors import StudyError
from replications.core.evidence.comparisons import shifted
from replications.core.evidence.delta_m import Delta
from replications.core.evidence.floors import NO_FLOORS, Floors
from replications.core.evidence.ladder import at_budget, settled
from replications.core.evidence.naming import part_names
from replications.core.evidence.statistics import (
    ALPHA,
    holm,
    part_p_values,
    seeds_needed,
    sign_flip_p,
)
from replications.core.evidence.study import saved
from replications.core.evidence.values import Values
from replications.core.spec import (
    DELTA_METRICS,
    Agreement,
    Bound,
    Claim,
    Comparison,
    Plan,
    Saving,
    Verdict,
    tested_elsewhere,
)

_COLUMNS = [
    *["replication", "claim", "title", "complete", "seeds", "seeds_needed", "p_all"],
    *["p_for", "p_against", "verdict", "reason", "settled_from"],
]


def claims_table(
    plan: Plan,
    values: Values,
    costs: pd.DataFrame,
    folder: Path,
    floors: Floors = NO_FLOORS,
    unsound: Iterable[Delta] = (),
) -> pd.DataFrame:
    """One row per claim: evidence for, evidence against, verdict, from which budget it is settled.

    `complete` says whether the study has every run that the claim is about; `p_all` is of all
    comparisons holding, `p_for` and `p_against` of some holding and some being reversed;
    `parts_for`, `parts_against` and `parts_open` name the comparisons of a claim that has several.
    `folder` holds the run folders, whose histories the claims of agreement read, and the
    experiments. `unsound`: what delta_m is not meaningful.
    """
    unsound = list(unsound)
    tables = {
        steps: _at_one_budget(plan, values, costs, folder, floors, unsound, steps)
        for steps in plan.ladder or [plan.settings.steps]
    }
    return settled(plan, tables, values) if plan.ladder else tables[plan.settings.steps]


def _at_one_budget(
    plan: Plan,
    values: Values,
    costs: pd.DataFrame,
    folder: Path,
    floors: Floors,
    unsound: Sequence[Delta],
    steps: int,
) -> pd.DataFrame:
    tested = sum(claim.tested for claim in plan.replication.claims.values())
    tested += tested_elsewhere(plan.replication.paper, plan.name)
    baseless = {(one.run, DELTA_METRICS[one.definition]) for one in unsound}
    rows, parts = [], {}
    for number, claim in plan.replication.claims.items():
        row: dict[str, object] = {"replication": plan.name, "claim": number, "title": claim.title}
        row |= {"complete": _complete(plan, claim), "seeds": plan.seeds}
        if claim.agree:
            row |= {"verdict": _agreement(plan, claim.agree, folder)}
        elif claim.measured:
            row |= {"verdict": _measurement(plan, claim.measured, folder)}
        elif claim.cheaper:
            row |= {"verdict": _cheapness(plan, claim, costs)}
        else:
            comparisons = [at_budget(plan, one, steps) for one in plan.comparisons(claim)]
            parts[number] = tests = _tested(comparisons, values)
            row |= _evidence(tests) | {"seeds_needed": seeds_needed(tested)}
            row |= {"reason": _flaw(comparisons, floors, baseless)}
        rows.append(row)
    # As objects: a column of nothing but gaps, all claims being tested, would be one of numbers.
    table = pd.DataFrame(rows, columns=_COLUMNS).astype({"verdict": object, "reason": object})
    for name in ("p_all", "p_for", "p_against"):
        known = table[name].dropna().astype(float)
        corrected = holm(known.tolist(), tested)
        table[f"{name}_holm"] = pd.Series(corrected, known.index, dtype=float)
    decided = [_decided(plan, row, parts.get(row["claim"])) for _, row in table.iterrows()]
    for name in ("verdict", "reason", "parts_for", "parts_against", "parts_open"):
        table[name] = [own[name] for own in decided]
    return table.astype({"seeds_needed": "Int64", "settled_from": "Int64"})


Part = tuple[Comparison, Array | None, float, float]
"""A comparison, its differences with the margin, and p-values of it holding and being reversed."""


def _tested(comparisons: Sequence[Comparison], values: Values) -> list[Part]:
    """The parts of a claim; one whose runs the study lacks has p-values of 1."""
    found = shifted(comparisons, values)
    known = [own for own in found if own is not None]
    p_values = iter(part_p_values([own.tolist() for own in known]) if known else [])
    nothing = (1.0, 1.0)
    return [
        (comparison, own, *(next(p_values) if own is not None else nothing))
        for comparison, own in zip(comparisons, found, strict=True)
    ]


def _evidence(parts: Sequence[Part]) -> dict[str, object]:
    """p-values of a claim. A comparison whose runs the study lacks keeps it from being reproduced,
    not from being contradicted by the others."""
    known = [own for _, own, *_ in parts if own is not None]
    if not known:
        return {}
    p_all = 1.0
    if len(known) == len(parts):
        p_all = max(sign_flip_p(own.tolist()) if own.sum() > 0 else 1.0 for own in known)
    return {
        "p_all": p_all,
        "p_for": min(p_for for _, _, p_for, _ in parts),
        "p_against": min(p_against for *_, p_against in parts),
    }


def _flaw(comparisons: Sequence[Comparison], floors: Floors, baseless: set[tuple[str, str]]) -> str:
    """Why nothing can be decided by these comparisons, if that is so."""
    if not all(floors.none_of(one.runs, one.task) for one in comparisons):
        return "not trained"
    metrics = [(run, one.metric) for one in comparisons for run in one.runs]
    return "not meaningful" if baseless & set(metrics) else ""


def _decided(plan: Plan, row: pd.Series, parts: Sequence[Part] | None) -> dict[str, object]:
    """Verdict, reason and the parts of a claim, from its row."""
    none = {"parts_for": "", "parts_against": "", "parts_open": ""}
    complete = "" if row["complete"] else "lacks runs"
    if parts is None:
        undecided = row["verdict"] == "undecided"
        return {"verdict": row["verdict"], "reason": complete if undecided else "", **none}
    few = "few seeds" if plan.seeds < row["seeds_needed"] else ""
    undecided = {"verdict": "undecided", "reason": row["reason"] or complete or few, **none}
    if row["reason"] or pd.isna(row["p_all"]):
        return undecided
    if row["p_all_holm"] <= ALPHA:
        return {"verdict": "reproduced", "reason": "", **none}
    sides = _sides(row, parts)
    if not sides["for"] and not sides["against"]:
        return undecided
    verdict = "partly" if sides["for"] else "contradicted"
    names = part_names(plan, [comparison for comparison, *_ in parts])
    named = {f"parts_{side}": "; ".join(names[i] for i in own) for side, own in sides.items()}
    return {"verdict": verdict, "reason": "", **named}


def _sides(row: pd.Series, parts: Sequence[Part]) -> dict[str, list[int]]:
    """Which comparisons hold, which are reversed and which are open, the claim's correction over
    the claims of the paper applied to each."""
    factors = {side: row[f"p_{side}_holm"] / row[f"p_{side}"] for side in ("for", "against")}
    found: dict[str, list[int]] = {"for": [], "against": [], "open": []}
    for index, (_, _, p_for, p_against) in enumerate(parts):
        if p_for * factors["for"] <= ALPHA:
            found["for"].append(index)
        elif p_against * factors["against"] <= ALPHA:
            found["against"].append(index)
        else:
            found["open"].append(index)
    return found


def _complete(plan: Plan, claim: Claim) -> bool:
    compared = [run for comparison in plan.comparisons(claim) for run in comparison.runs]
    return {*(compared or claim.runs)} <= set(plan.runs)


def savings(plan: Plan, saving: Saving, costs: pd.DataFrame) -> list[float] | None:
    """Percent saved at each seed; None where the study lacks the run."""
    if saving.run not in plan.runs:
        return None
    by_seed = costs.set_index("run").groupby("seed")
    return [saved(plan, of_seed, saving.run, saving.cost) for _, of_seed in by_seed]


def _cheapness(plan: Plan, claim: Claim, costs: pd.DataFrame) -> Verdict:
    """Whether every run saves enough, or costs more, at every seed, or one of them at none."""
    found = [(saving, savings(plan, saving, costs)) for saving in claim.cheaper]
    if all(percents is not None for _, percents in found):
        enough = [
            [p < 0 if saving.dearer else p >= saving.percent for p in percents or []]
            for saving, percents in found
        ]
        if all(all(seeds) for seeds in enough):
            return "reproduced"
        if any(not any(seeds) for seeds in enough):
            return "contradicted"
    return "undecided"


def _agreement(plan: Plan, wanted: Agreement, folder: Path) -> Verdict:
    """Whether the last values of the columns agree within the margin, at every seed."""
    if not all(run in plan.runs for run in wanted.runs):
        return "undecided"
    spreads = []
    for seed in plan.seed_numbers:
        histories = [pd.read_csv(folder / r / str(seed) / "history.csv") for r in wanted.runs]
        for column in wanted.columns:
            last = [history[column].dropna().iloc[-1] for history in histories]
            spreads.append(max(last) - min(last))
    return "reproduced" if max(spreads) <= wanted.margin else "contradicted"


def _measurement(plan: Plan, bounds: Sequence[Bound], folder: Path) -> Verdict:
    """Whether every number of an experiment lies within its bounds."""
    within = []
    for bound in bounds:
        path = folder / bound.experiment / "numbers.json"
        numbers = json.loads(path.read_text(encoding="utf-8"))
        if bound.number not in numbers:
            raise StudyError(
                f"{path}: no number '{bound.number}', which a claim of {plan.name} asks for; "
                f"it has: {', '.join(numbers)}"
            )
        value = numbers[bound.number]
        low = -math.inf if bound.least is None else bound.least
        high = math.inf if bound.most is None else bound.most
        within.append(low <= value <= high)
    return "reproduced" if all(within) else "contradicted"
