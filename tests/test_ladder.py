"""The budget ladder: verdicts that flip, fade or hold as the budget doubles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conftest import Edit
from replications.core.evidence.claims import claims_table
from replications.core.evidence.ladder import (
    AGAINST,
    FOR,
    OPEN,
    Sides,
    at_budget,
    ladder_table,
    sides_of,
)
from replications.core.evidence.statistics import seeds_needed
from replications.core.evidence.values import Values, observed
from replications.core.spec import Plan, base_of, load_plan

PLAN = load_plan("uncertainty", "cpu")
LADDER = PLAN.ladder
Gain = Callable[[int], float]
"""How much better, in percent, the multi-task runs are at the budget of an index."""
CURVES: dict[str, tuple[Gain, str]] = {
    "parallel": (lambda k: 10.0, "settled"),
    "growing": (lambda k: (2.0, 6.0, 14.0)[k], "settled"),
    "levelling": (lambda k: (14.0, 8.0, 7.0)[k], "settled"),
    "meeting": (lambda k: (16.0, 8.0, 3.0)[k], "not settled"),
    "crossing late": (lambda k: (-9.0, -9.0, 9.0)[k], "not settled"),
    "crossing early": (lambda k: (-9.0, 8.0, 8.5)[k], "settled later"),
    "about to cross": (lambda k: (20.0, 12.0, 3.0)[k], "not settled"),
}


def values(gain: Gain, rising: float = 0.2) -> Values:
    """Single-task runs and equal weights that improve by a share with every doubling, and the
    others better by `gain`."""
    rng = np.random.default_rng(0)
    rows = []
    for run, spec in PLAN.runs.items():
        index = LADDER.index(int(PLAN.settings_of(run).steps))
        better = 0.0 if spec.role == "single" or base_of(run) == "equal" else gain(index)
        for task in spec.tasks:
            sign = 1 if task == "semseg" else -1
            level = 10 * (1 + sign * rising * index) * (1 + sign * better / 100)
            own = level * (1 + 0.005 * rng.standard_normal(10))
            place: Any = (run, "test", "", task, PLAN.replication.headline[task], sign > 0)
            rows += [(*place, seed, value) for seed, value in enumerate(own)]
    columns = ["run", "split", "condition", "task", "metric", "higher_is_better", "seed", "value"]
    return observed(pd.DataFrame(rows, columns=columns))


def claims(plan: Plan, found: Values) -> pd.DataFrame:
    return claims_table(plan, found, pd.DataFrame(), Path("unused")).set_index("claim")


@pytest.mark.parametrize("name", CURVES)
def test_a_verdict_is_settled_where_doubling_would_not_change_it(name: str) -> None:
    gain, expected = CURVES[name]
    row = claims(PLAN, values(gain)).loc["2"]
    if expected == "not settled":
        assert (row["verdict"], row["reason"]) == ("undecided", "not settled")
        assert pd.isna(row["settled_from"])
    else:
        assert (row["verdict"], row["reason"]) == ("reproduced", "")
        assert row["settled_from"] == LADDER[0 if expected == "settled" else 1]


def test_each_comparison_is_settled_by_itself() -> None:
    """Depth gains at every budget; semantics change sides, and say nothing."""
    found = values(CURVES["parallel"][0])
    crossed = values(CURVES["crossing late"][0])
    mixed = {
        place: (crossed if place[1] == "semseg" else found).found[place] for place in found.found
    }
    row = claims(PLAN, Values(mixed, found.higher)).loc["2"]
    assert (row["verdict"], row["settled_from"]) == ("partly", LADDER[0])
    assert row["parts_for"].count(";") == 1
    assert "의미" in row["parts_open"]
    assert not row["parts_against"]


def test_a_change_that_is_not_sure_settles_nothing() -> None:
    """The mean difference goes on well, but from some seeds alone."""
    found = values(lambda k: (12.0, 10.0, 9.5)[k])
    rng = np.random.default_rng(1)
    shaken = {
        place: own * (1 + 0.05 * rng.standard_normal(10)) if place[0].endswith("=400") else own
        for place, own in found.found.items()
    }
    row = claims(PLAN, Values(shaken, found.higher)).loc["2"]
    assert row["verdict"] != "reproduced"


def test_a_verdict_at_one_budget_is_none() -> None:
    """The same study without the smaller budgets of one run."""
    found = values(CURVES["parallel"][0])
    less = {key: own for key, own in found.found.items() if key[0] != f"equal@steps={LADDER[1]}"}
    table = claims(PLAN, Values(less, found.higher))
    assert table.loc["2", ["verdict", "reason"]].tolist() == ["undecided", "not settled"]
    assert table.loc["1", "verdict"] == "reproduced"
    # And where the study has no ladder, nothing is said of settling.
    alone = claims(load_plan("uncertainty", "quick").model_copy(update={"seeds": 10}), found)
    assert alone["settled_from"].isna().all()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("parallel", Sides(FOR, FOR)),
        ("meeting", Sides(FOR, OPEN)),
        ("crossing late", Sides(FOR, OPEN)),
    ],
)
def test_sides_outside_of_claims(name: str, expected: Sides) -> None:
    """What holds at the last budget is told apart from what would go on to hold."""
    comparison = PLAN.comparisons(PLAN.replication.claims["2"])[0]
    assert sides_of(PLAN, [comparison], values(CURVES[name][0])) == [expected]
    quick = load_plan("uncertainty", "quick")
    worse = values(lambda k: -10.0)
    assert sides_of(quick, [comparison], worse) == [Sides(AGAINST, AGAINST)]


def test_a_question_of_ours_is_corrected_apart_from_the_claims_of_the_paper() -> None:
    table = claims(PLAN, values(CURVES["parallel"][0]))
    tested = {n: own.ours for n, own in PLAN.replication.claims.items() if own.tested}
    assert [number for number, ours in tested.items() if ours] == ["L"]
    assert (table.loc["1", "seeds_needed"], table.loc["L", "seeds_needed"]) == (
        seeds_needed(len(tested) - 1),
        seeds_needed(1),
    )
    papers = table.loc[[number for number, ours in tested.items() if not ours]]
    assert (papers["p_all_holm"] > papers["p_all"]).any()


def test_what_is_compared_is_laid_out_along_the_ladder() -> None:
    low, middle, high = LADDER
    assert (2 * low, 2 * middle, high) == (middle, high, PLAN.settings.steps)
    for run in ("single_semseg", "equal", "uncertainty", "semseg_depth"):
        assert {f"{run}@steps={low}", f"{run}@steps={middle}", run} <= set(PLAN.runs)
    comparison = PLAN.comparisons(PLAN.replication.claims["2"])[0]
    at = at_budget(PLAN, comparison, low)
    assert at.runs == {f"uncertainty@steps={low}", f"equal@steps={low}"}
    assert at_budget(PLAN, comparison, high) == comparison


def test_differences_in_percent_of_the_other_run() -> None:
    table = ladder_table(PLAN, values(lambda k: 10.0))
    own = table[(table["claim"] == "2") & (table["task"] == "semseg")]
    assert own["steps"].tolist() == LADDER
    assert own["percent"].to_numpy() == pytest.approx([10.0] * 3, abs=1.0)
    assert (own["percent_low"] < own["percent"]).all()
    assert own["difference"].to_numpy() == pytest.approx([1.0, 1.2, 1.4], rel=0.1)


FALLING = {"run": "single", "against": "uncertainty", "slope": "train_fraction"}
FALLING |= {"task": "all", "metric": "delta_m_per_task_primary"}


def with_labels(content: dict[str, Any]) -> None:
    """A study with the axis of labels at the smaller two of three budgets."""
    along = {"values": [0.25, 0.5], "steps": [40, 80]}
    own = {"seeds": 10, "ladder": [40, 80], "each": {"train_fraction": along}}
    content["studies"]["quick"].update(own)
    content["claims"] = {"L": {"title": "less", "korean": "적다", "better": FALLING}}


@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        (lambda share, steps: 8 * (1 - share), ("reproduced", "", 40)),
        (lambda share, steps: 8 * share, ("contradicted", "", 40)),
        (lambda share, steps: 8 * share * (60 - steps), ("undecided", "not settled", None)),
    ],
)
def test_a_claim_on_an_axis_is_settled_at_the_budgets_that_have_it(
    planned: Callable[[Edit], Plan],
    gain: Callable[[float, int], float],
    expected: tuple[str, str, int | None],
) -> None:
    """Whether the gain falls as labels grow, at 40 and 80 steps of a study of 160."""
    plan = planned(with_labels)
    rng = np.random.default_rng(0)
    found = {}
    for run, spec in plan.runs.items():
        settings = plan.settings_of(run)
        if spec.role == "multi":
            mean = gain(settings.train_fraction, settings.steps)
            place = (run, "all", "delta_m_per_task_primary", "")
            found[place] = mean + 0.5 * rng.standard_normal(10)
    row = claims(plan, Values(found, {("all", "delta_m_per_task_primary"): True})).loc["L"]
    settled = None if pd.isna(row["settled_from"]) else row["settled_from"]
    assert (row["verdict"], row["reason"], settled) == expected
