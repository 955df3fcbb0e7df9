"""Verdicts on a paper's claims.

The rule. A comparison is a paired difference over seeds, oriented so that positive favours the
claim, tested by the exact two-sided sign-flip test. A claim holds only if all its comparisons do,
so its p-value is the largest of theirs (intersection-union), and it fails if one of them is
significantly negative, for which the smallest p-value, times the number of comparisons
(Bonferroni), counts. p-values are then corrected over the paper's claims (Holm). `undecided` is
what remains, and all that few seeds allow: with n seeds no two-sided p is below 2 / 2**n.

A margin turns a comparison into one of non-inferiority: it is added to every difference before the
test. Costs are not tested: parameters and operations do not vary with the seed, and a claim about
them, or about measured latency, holds where every seed saves enough and fails where none does.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.evidence.study import saved
from replications.core.evidence.tidy import COSTS_KEY, read_table
from replications.core.spec import Agreement, Claim, Comparison, Plan, Saving

ALPHA = 0.05
_EXACT_UP_TO = 16


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p-value of the paired sign-flip test of zero mean, every sign pattern counted.

    With more than 16 differences 65,536 random patterns are drawn (fixed seed).
    """
    values = np.asarray(differences, dtype=float)
    n = len(values)
    if n <= _EXACT_UP_TO:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=n)))
    else:
        signs = np.random.default_rng(0).choice((1.0, -1.0), size=(2**_EXACT_UP_TO, n))
        signs[0] = 1.0
    sums = np.abs(signs @ values)
    # A tolerance, so that patterns equal but for rounding count as equal.
    return float((sums >= abs(values.sum()) * (1 - 1e-12)).mean())


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction (Holm, 1979): adjusted p-values in the order given."""
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[int(index)] = running
    return adjusted


def differences(comparison: Comparison, runs: pd.DataFrame) -> list[float] | None:
    """Paired differences over seeds on the test split, positive favouring the claim.

    With a margin, the differences plus the margin; with `beyond`, the differences on the metric
    less those on the other metric. None where the study lacks one of the runs.
    """
    if comparison.beyond is not None:
        other = comparison.model_copy(update={"metric": comparison.beyond, "beyond": None})
        own = differences(comparison.model_copy(update={"beyond": None}), runs)
        less = differences(other, runs)
        return None if own is None or less is None else list(np.subtract(own, less))
    chosen = runs[
        (runs["split"] == "test")
        & (runs["task"] == comparison.task)
        & (runs["metric"] == comparison.metric)
    ].set_index(["run", "seed"])
    present = chosen.index.get_level_values("run")
    if comparison.run not in present or comparison.against not in present:
        return None
    sign = 1.0 if chosen["higher_is_better"].iloc[0] else -1.0
    paired = chosen.loc[comparison.run, "value"] - chosen.loc[comparison.against, "value"]
    return [sign * value + comparison.margin for value in paired]


def claims_table(plan: Plan, runs: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """One row per claim: evidence for, evidence against, verdict.

    `folder` holds the run folders, whose histories the claims of agreement read, and costs.csv.
    """
    rows = []
    for number, claim in plan.replication.claims.items():
        if claim.agree:
            evidence = _agreement(plan, claim.agree, folder)
        elif claim.cheaper:
            evidence = _cheapness(plan, claim, read_table(folder / "costs.csv", COSTS_KEY))
        else:
            evidence = _betterness(claim, runs)
        rows.append({"replication": plan.name, "claim": number, "title": claim.title} | evidence)
    columns = ["replication", "claim", "title", "seeds", "p_for", "p_against", "verdict"]
    table = pd.DataFrame(rows, columns=columns)
    for side in ("for", "against"):
        tested = table[f"p_{side}"].notna()
        table.loc[tested, f"p_{side}_holm"] = holm(table.loc[tested, f"p_{side}"].tolist())
    by_test = table["verdict"].isna()
    table.loc[by_test, "verdict"] = "undecided"
    table.loc[by_test & (table["p_for_holm"] <= ALPHA), "verdict"] = "reproduced"
    table.loc[by_test & (table["p_against_holm"] <= ALPHA), "verdict"] = "contradicted"
    return table


def _betterness(claim: Claim, runs: pd.DataFrame) -> dict[str, object]:
    """p-values for and against a claim of comparisons."""
    paired = [differences(comparison, runs) for comparison in claim.better]
    if any(values is None for values in paired):
        return {"seeds": 0, "p_for": None, "p_against": None, "verdict": "undecided"}
    found = [(float(np.mean(values)), sign_flip_p(values)) for values in paired if values]
    p_for = max(p if mean > 0 else 1.0 for mean, p in found)
    p_against = min(1.0, len(found) * min(p if mean < 0 else 1.0 for mean, p in found))
    seeds = min(len(values) for values in paired if values)
    return {"seeds": seeds, "p_for": p_for, "p_against": p_against, "verdict": None}


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
