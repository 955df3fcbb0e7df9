"""The table of claims: evidence and verdict of each.

A claim that compares runs is tested over seeds (`verdicts.py`), at every budget of a ladder
(`ladder.py`). Costs are not tested: parameters and operations do not vary with the seed, and a
claim about them, or about measured latency, holds where every seed saves enough and fails where
none does. Nor are claims of agreement, which must hold at every seed, and of experiments, whose
numbers must lie within bounds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from replications.core.errors import StudyError
from replications.core.evidence.delta_m import Delta
from replications.core.evidence.floors import NO_FLOORS, Floors
from replications.core.evidence.ladder import at_budget, settled
from replications.core.evidence.statistics import holm, seeds_needed
from replications.core.evidence.study import saved
from replications.core.evidence.values import Values
from replications.core.evidence.verdicts import (
    PARTS,
    SIDES,
    Part,
    decided,
    evidence,
    flaw,
    parts_of,
)
from replications.core.spec import (
    DELTA_METRICS,
    Agreement,
    Bound,
    Claim,
    Plan,
    Saving,
    Verdict,
    tested_elsewhere,
)
from replications.core.spec.layout import run_folder

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
    `parts_for`, `parts_against`, `parts_open` and `parts_lacking` name the comparisons of a claim
    that has several.
    `folder` holds the run folders, whose histories the claims of agreement read, and the
    experiments. `unsound`: what delta_m is not meaningful.
    """
    baseless = {(one.run, DELTA_METRICS[one.definition]) for one in unsound}
    untested = {
        number: _untested(plan, claim, costs, folder)
        for number, claim in plan.replication.claims.items()
        if not claim.tested
    }
    tables = {
        steps: _at_one_budget(plan, values, untested, floors, baseless, steps)
        for steps in plan.budgets
    }
    table = settled(plan, tables, values) if plan.ladder else tables[plan.settings.steps]
    return table.drop(columns=SIDES)


def _at_one_budget(
    plan: Plan,
    values: Values,
    untested: Mapping[str, Verdict],
    floors: Floors,
    baseless: set[tuple[str, str]],
    steps: int,
) -> pd.DataFrame:
    """The table with the tested claims as they are after so many steps; `untested`: verdicts that
    no budget changes; `baseless`: runs and definitions of delta_m that are not meaningful."""
    claims = plan.replication.claims
    ours = [claim.ours for claim in claims.values() if claim.tested]
    elsewhere = tested_elsewhere(plan.replication.paper, plan.name)
    tested = {False: ours.count(False) + elsewhere, True: ours.count(True)}
    rows: list[dict[str, object]] = []
    parts: dict[str, list[Part]] = {}
    for number, claim in claims.items():
        row: dict[str, object] = {"replication": plan.name, "claim": number, "title": claim.title}
        row |= {"complete": _complete(plan, claim), "seeds": plan.seeds}
        if number in untested:
            row |= {"verdict": untested[number]}
        else:
            comparisons = [at_budget(plan, one, steps) for one in plan.comparisons(claim)]
            flaws = [flaw(one, floors, baseless) for one in comparisons]
            parts[number] = parts_of(comparisons, values, flaws)
            row |= evidence(parts[number]) | {"seeds_needed": seeds_needed(tested[claim.ours])}
        rows.append(row)
    # As objects: a column of nothing but gaps, all claims being tested, would be one of numbers.
    table = pd.DataFrame(rows, columns=_COLUMNS).astype({"verdict": object, "reason": object})
    for name in ("p_all", "p_for", "p_against"):
        table[f"{name}_holm"] = math.nan
        known = table[name].dropna().astype(float)
        for own, family in known.groupby(table["claim"].map(lambda n: claims[n].ours)):
            table.loc[family.index, f"{name}_holm"] = holm(family.tolist(), tested[bool(own)])
    found = [
        decided(plan, row, parts[row["claim"]]) if row["claim"] in parts else _as_it_is(row)
        for _, row in table.iterrows()
    ]
    for name in ("verdict", "reason", SIDES, *PARTS):
        table[name] = [own[name] for own in found]
    return table.astype({"seeds_needed": "Int64", "settled_from": "Int64"})


def _untested(plan: Plan, claim: Claim, costs: pd.DataFrame, folder: Path) -> Verdict:
    """The verdict on a claim that is not tested over seeds."""
    if claim.agree:
        return _agreement(plan, claim.agree, folder)
    if claim.measured:
        return _measurement(plan, claim.measured, folder)
    return _cheapness(plan, claim, costs)


def _as_it_is(row: pd.Series) -> dict[str, object]:
    """Verdict and reason of a claim that is not tested over seeds."""
    undecided = row["verdict"] == "undecided"
    reason = "lacks runs" if undecided and not row["complete"] else ""
    return {"verdict": row["verdict"], "reason": reason, SIDES: (), **dict.fromkeys(PARTS, "")}


def _complete(plan: Plan, claim: Claim) -> bool:
    compared = [run for comparison in plan.comparisons(claim) for run in comparison.runs]
    return {*(compared or claim.runs)} <= set(plan.runs)


def savings(plan: Plan, saving: Saving, costs: pd.DataFrame) -> list[float] | None:
    """Percent saved at each seed; None where the study lacks the run."""
    if not {saving.run, saving.against or saving.run} <= set(plan.runs):
        return None
    by_seed = costs.set_index("run").groupby("seed")
    return [saved(plan, of_seed, saving.run, saving.cost, saving.against) for _, of_seed in by_seed]


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
        places = [run_folder(folder, plan, run, seed) for run in wanted.runs]
        histories = [pd.read_csv(place / "history.csv") for place in places]
        for column in wanted.columns:
            last = [history[column].dropna().iloc[-1] for history in histories]
            spreads.append(max(last) - min(last))
    return "reproduced" if max(spreads) <= wanted.margin else "contradicted"


def _measurement(plan: Plan, bounds: Sequence[Bound], folder: Path) -> Verdict:
    """Whether every number of an experiment lies within its bounds."""
    found = [_side(plan, bound, folder) for bound in bounds]
    if "contradicted" in found:
        return "contradicted"
    return "undecided" if "undecided" in found else "reproduced"


def _side(plan: Plan, bound: Bound, folder: Path) -> Verdict:
    path = folder / bound.experiment / "numbers.json"
    numbers = json.loads(path.read_text(encoding="utf-8"))
    if bound.number not in numbers and not bound.opposite:
        raise StudyError(
            f"{path}: no number '{bound.number}', which a claim of {plan.name} asks for; "
            f"it has: {', '.join(numbers)}"
        )
    low = -math.inf if bound.least is None else bound.least
    high = math.inf if bound.most is None else bound.most
    if low <= numbers.get(bound.number, math.nan) <= high:
        return "reproduced"
    if bound.opposite is None:
        return "contradicted"
    other = numbers.get(bound.opposite, math.nan)
    return "contradicted" if other < low or other > high else "undecided"
