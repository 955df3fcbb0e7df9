"""Verdicts on a paper's claims.

The rule. A comparison is a paired difference over seeds, oriented so that positive favours the
claim, tested by the exact two-sided sign-flip test. A claim holds only if all its comparisons do,
so its p-value is the largest of theirs (intersection-union), and it fails if one of them is
significantly negative, by the joint sign-flip test of all of them (max-T). p-values are then
corrected over the tested claims of the paper (Holm), those of its other replications counted too.
`undecided` is what remains, and all that few seeds allow: `seeds_needed` is the smallest number of
seeds at which the claim could be decided either way.

A margin turns a comparison into one of non-inferiority: it is added to every difference before the
test. Costs are not tested: parameters and operations do not vary with the seed, and a claim about
them, or about measured latency, holds where every seed saves enough and fails where none does.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.errors import StudyError
from replications.core.evidence.statistics import (
    ALPHA,
    effect_size,
    holm,
    interval,
    joint_sign_flip_p,
    seeds_needed,
    sign_flip_p,
)
from replications.core.evidence.study import saved
from replications.core.spec import (
    Agreement,
    Bound,
    Claim,
    Comparison,
    Plan,
    Saving,
    tested_elsewhere,
)


def differences(comparison: Comparison, runs: pd.DataFrame) -> list[float] | None:
    """Paired differences over seeds on the test split, positive favouring the claim.

    With `beyond`, the differences on the metric less those on the other metric; of a slope, that of
    the differences against the axis, by its logarithm where its values are positive. None where
    the study lacks one of the runs.
    """
    if comparison.beyond is not None:
        other = dataclasses.replace(comparison, metric=comparison.beyond, beyond=None)
        own = differences(dataclasses.replace(comparison, beyond=None), runs)
        less = differences(other, runs)
        return None if own is None or less is None else list(np.subtract(own, less))
    chosen = runs[
        (runs["split"] == "test")
        & (runs["condition"] == comparison.condition)
        & (runs["task"] == comparison.task)
        & (runs["metric"] == comparison.metric)
    ].set_index(["run", "seed"])
    if not comparison.runs <= set(chosen.index.get_level_values("run")):
        return None
    sign = 1.0 if chosen["higher_is_better"].iloc[0] else -1.0
    zero = pd.Series(0.0, chosen.index.unique("seed"))

    def of(run: str) -> pd.Series:
        return chosen.loc[run, "value"] if run in comparison.runs else zero

    found = {at: sign * (of(run) - of(against)) for at, (run, against) in comparison.pairs.items()}
    if not comparison.slope:
        return list(next(iter(found.values())))
    table, at = pd.DataFrame(found), np.array(list(found))
    return list(np.polyfit(np.log(at) if (at > 0).all() else at, table.to_numpy().T, 1)[0])


COMPARISONS_KEY = ["replication", "claim", "run", "against", "task", "metric"]


def comparisons_table(plan: Plan, runs: pd.DataFrame) -> pd.DataFrame:
    """One row per comparison whose runs the study has: difference, interval, effect size, p.

    `difference` is the mean over seeds in the metric's unit, positive favouring the claim, with its
    95 % interval; `effect_size` is Hedges' g; `p` is of the difference plus the margin. Of a slope
    it is that per unit of the axis's logarithm.
    """
    rows = []
    for number, claim in plan.replication.claims.items():
        for comparison in plan.comparisons(claim):
            found = differences(comparison, runs)
            if found is None:
                continue
            low, high = interval(found)
            rows.append(
                {
                    "replication": plan.name,
                    "claim": number,
                    "run": comparison.run,
                    "against": comparison.against,
                    "task": comparison.task,
                    "metric": comparison.metric,
                    "condition": comparison.condition,
                    "slope": comparison.slope,
                    "beyond": comparison.beyond or "",
                    "margin": comparison.margin,
                    "seeds": len(found),
                    "difference": float(np.mean(found)),
                    "low": low,
                    "high": high,
                    "effect_size": effect_size(found),
                    "p": sign_flip_p([value + comparison.margin for value in found]),
                }
            )
    columns = [*COMPARISONS_KEY, "condition", "slope", "beyond", "margin", "seeds"]
    columns += ["difference", "low", "high", "effect_size", "p"]
    return pd.DataFrame(rows, columns=columns)


def claims_table(plan: Plan, runs: pd.DataFrame, costs: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """One row per claim: evidence for, evidence against, verdict.

    `complete` says whether the study has every run that the claim is about. `folder` holds the run
    folders, whose histories the claims of agreement read, and the experiments.
    """
    rows = []
    tested = sum(claim.tested for claim in plan.replication.claims.values())
    tested += tested_elsewhere(plan.replication.paper, plan.name)
    for number, claim in plan.replication.claims.items():
        if claim.agree:
            evidence = _agreement(plan, claim.agree, folder)
        elif claim.measured:
            evidence = _measurement(plan, claim.measured, folder)
        elif claim.cheaper:
            evidence = _cheapness(plan, claim, costs)
        else:
            evidence = _betterness(plan.comparisons(claim), runs)
            evidence |= {"seeds_needed": seeds_needed(tested)}
        row = {"replication": plan.name, "claim": number, "title": claim.title}
        rows.append(row | {"complete": _complete(plan, claim)} | evidence)
    columns = ["replication", "claim", "title", "complete", "seeds", "seeds_needed"]
    columns += ["p_for", "p_against"]
    # As objects: a column of nothing but gaps, all claims being tested, would be one of numbers.
    table = pd.DataFrame(rows, columns=[*columns, "verdict"]).astype({"verdict": object})
    for side in ("for", "against"):
        p_values = table[f"p_{side}"].dropna()
        table[f"p_{side}_holm"] = pd.Series(
            holm(p_values.tolist(), tested), p_values.index, dtype=float
        )
    by_test = table["verdict"].isna()
    table.loc[by_test, "verdict"] = "undecided"
    table.loc[by_test & (table["p_for_holm"] <= ALPHA), "verdict"] = "reproduced"
    table.loc[by_test & (table["p_against_holm"] <= ALPHA), "verdict"] = "contradicted"
    return table.astype({"seeds_needed": "Int64"})


def _complete(plan: Plan, claim: Claim) -> bool:
    compared = [run for comparison in plan.comparisons(claim) for run in comparison.runs]
    return {*(compared or claim.runs)} <= set(plan.runs)


def _betterness(comparisons: Sequence[Comparison], runs: pd.DataFrame) -> dict[str, object]:
    """p-values for and against a claim that all comparisons hold.

    A comparison whose runs the study lacks keeps the claim from being reproduced, not from being
    contradicted by the others.
    """
    found = [(comparison, differences(comparison, runs)) for comparison in comparisons]
    shifted = [[v + c.margin for v in values] for c, values in found if values is not None]
    if not shifted:
        return {"seeds": 0, "verdict": "undecided"}
    p_for = 1.0
    if len(shifted) == len(found):
        p_for = max(sign_flip_p(values) if sum(values) > 0 else 1.0 for values in shifted)
    p_against = joint_sign_flip_p(shifted)
    return {"seeds": len(shifted[0]), "p_for": p_for, "p_against": p_against}


def savings(plan: Plan, saving: Saving, costs: pd.DataFrame) -> list[float] | None:
    """Percent saved at each seed; None where the study lacks the run."""
    if saving.run not in plan.runs:
        return None
    by_seed = costs.set_index("run").groupby("seed")
    return [saved(plan, of_seed, saving.run, saving.cost) for _, of_seed in by_seed]


def _cheapness(plan: Plan, claim: Claim, costs: pd.DataFrame) -> dict[str, object]:
    """Whether every run saves enough, or costs more, at every seed, or one of them at none."""
    verdict = "undecided"
    found = [(saving, savings(plan, saving, costs)) for saving in claim.cheaper]
    if all(percents is not None for _, percents in found):
        enough = [
            [p < 0 if saving.dearer else p >= saving.percent for p in percents or []]
            for saving, percents in found
        ]
        if all(all(seeds) for seeds in enough):
            verdict = "reproduced"
        elif any(not any(seeds) for seeds in enough):
            verdict = "contradicted"
    return {"seeds": plan.seeds, "p_for": None, "p_against": None, "verdict": verdict}


def _agreement(plan: Plan, wanted: Agreement, folder: Path) -> dict[str, object]:
    """Whether the last values of the columns agree within the margin, at every seed."""
    verdict = "undecided"
    if all(run in plan.runs for run in wanted.runs):
        spreads = []
        for seed in range(plan.seeds):
            histories = [pd.read_csv(folder / r / str(seed) / "history.csv") for r in wanted.runs]
            for column in wanted.columns:
                last = [history[column].dropna().iloc[-1] for history in histories]
                spreads.append(max(last) - min(last))
        within = max(spreads) <= wanted.margin
        verdict = "reproduced" if within else "contradicted"
    return {"seeds": plan.seeds, "p_for": None, "p_against": None, "verdict": verdict}


def _measurement(plan: Plan, bounds: Sequence[Bound], folder: Path) -> dict[str, object]:
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
    verdict = "reproduced" if all(within) else "contradicted"
    return {"seeds": plan.seeds, "p_for": None, "p_against": None, "verdict": verdict}
