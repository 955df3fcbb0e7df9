"""Evidence: delta_m, tests and verdicts against hand-computed cases and independent ones."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import permutation_test, ttest_1samp

from benchmarks.verdicts import NOISES, simulated_verdicts, with_tests_only
from replications.core.data.labels import Array
from replications.core.errors import StudyError
from replications.core.evidence.claims import claims_table, savings
from replications.core.evidence.comparisons import differences
from replications.core.evidence.delta_m import (
    delta_m,
    delta_m_table,
    deltas,
    improvements,
    with_delta_m,
)
from replications.core.evidence.statistics import (
    ALPHA,
    effect_size,
    holm,
    interval,
    part_p_values,
    seeds_needed,
    sign_flip_p,
)
from replications.core.evidence.tidy import RUNS_KEY, checked, spread
from replications.core.evidence.values import observed
from replications.core.spec import (
    Comparison,
    Plan,
    load_plan,
    load_replication,
    replication_names,
)
from replications.core.spec.claims import Saving

HEADLINE = {"semseg": "miou", "depth": "abs_err"}
NO_COSTS = pd.DataFrame()


def test_delta_m_by_hand_and_the_definitions_disagree() -> None:
    """One task gains on its primary metric and loses on three others."""
    index = pd.MultiIndex.from_tuples(
        [("semseg", "miou"), ("semseg", "pixel_accuracy"), ("depth", "abs_err"), ("depth", "rmse")],
        names=["task", "metric"],
    )
    single = pd.Series([50.0, 80.0, 2.0, 4.0], index)
    multi = pd.Series([55.0, 72.0, 1.8, 5.0], index)
    higher = pd.Series([True, True, False, False], index)
    gain = improvements(multi, single, higher)
    assert gain.tolist() == pytest.approx([10, -10, 10, -25])
    found = delta_m(gain, HEADLINE)
    assert found["per_task_primary"] == pytest.approx(10)
    assert found["per_metric"] == pytest.approx(15 / 4)
    assert found["per_task_mean"] == pytest.approx((0 - 7.5) / 2)


@given(st.lists(st.integers(-40, 40), min_size=2, max_size=8))
def test_sign_flip_is_scipys_exact_permutation_test(values: list[int]) -> None:
    """On whole numbers, whose sums are exact: ties are then ties to both."""
    result = permutation_test(
        (values,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert sign_flip_p(values) == pytest.approx(min(result.pvalue, 1.0))


@given(st.lists(st.integers(-40, 40), min_size=2, max_size=10, unique=True))
def test_interval_and_effect_size_are_those_of_scipy(values: list[int]) -> None:
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert interval(values) == pytest.approx((expected.low, expected.high))
    standardised = np.mean(values) / np.std(values, ddof=1)
    assert effect_size(values) == pytest.approx(standardised * (1 - 3 / (4 * len(values) - 5)))


def test_one_seed_has_no_interval_and_no_effect_size() -> None:
    assert interval([2.0]) == (-math.inf, math.inf)
    assert math.isnan(effect_size([2.0]))
    assert math.isnan(effect_size([2.0, 2.0]))


@pytest.mark.parametrize(("tests", "seeds"), [(1, 6), (3, 7), (6, 8), (18, 10)])
def test_fewest_seeds_that_can_decide(tests: int, seeds: int) -> None:
    """Unanimous seeds are significant after Bonferroni, one fewer are not."""
    assert seeds_needed(tests) == seeds
    assert tests * sign_flip_p([1.0] * seeds) <= ALPHA < tests * sign_flip_p([1.0] * (seeds - 1))


def test_few_seeds_cannot_decide() -> None:
    assert sign_flip_p([1.0, 1.1, 0.9]) == pytest.approx(0.25)
    assert sign_flip_p([1.0] * 5) == pytest.approx(0.0625)
    assert sign_flip_p([1.0] * 10) == pytest.approx(2 / 1024)


def joint_sign_flip_p(differences: list[list[float]]) -> float:
    """Of one of several mean differences being below zero."""
    return min(fallen for _, fallen in part_p_values(differences))


@given(st.lists(st.integers(-40, 40), min_size=2, max_size=8))
def test_joint_sign_flip_of_one_comparison_is_the_test_of_a_fall(values: list[int]) -> None:
    expected = sign_flip_p(values) if sum(values) < 0 else 1.0
    assert joint_sign_flip_p([list(values)]) == pytest.approx(expected)


def test_joint_sign_flip_by_hand() -> None:
    """Two comparisons and three seeds: of the eight patterns only the observed one falls as far in
    either comparison, and its opposite turns the gain into as deep a fall."""
    fall, gain = [-1.0, -1.0, -1.0], [2.0, 2.0, 2.0]
    assert joint_sign_flip_p([fall]) == pytest.approx(2 / 8)
    assert joint_sign_flip_p([fall, fall]) == pytest.approx(2 / 8)
    assert joint_sign_flip_p([fall, gain]) == pytest.approx(4 / 8)
    assert joint_sign_flip_p([gain, gain]) == 1.0
    assert joint_sign_flip_p([[0.0, 0.0, 0.0]]) == 1.0


@given(arrays(int, (3, 6), elements=st.integers(-40, 40)), st.floats(0.1, 10))
def test_joint_sign_flip_is_stricter_than_the_tests_alone(
    differences: np.ndarray, unit: float
) -> None:
    """And does not depend on the metrics' units or their order."""
    p = joint_sign_flip_p(differences.tolist())
    assert p >= min(joint_sign_flip_p([row]) for row in differences.tolist())
    scaled = differences * np.array([[unit], [1.0], [8.0]])
    assert joint_sign_flip_p(scaled[::-1].tolist()) == pytest.approx(p)


def test_joint_sign_flip_keeps_its_level() -> None:
    """Of 13 comparisons that share a run and have no effect, one is found worse in 5 % at most."""
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(400):
        others = rng.standard_normal((13, 8))
        found += joint_sign_flip_p((rng.standard_normal(8) - others).tolist()) <= ALPHA
    assert found <= 0.05 * 400 + 2 * math.sqrt(0.05 * 0.95 * 400)
    assert found > 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.integers(0, 3))
def test_holm_lies_between_the_p_values_and_bonferroni(
    p_values: list[float], elsewhere: int
) -> None:
    family = len(p_values) + elsewhere
    for p, corrected in zip(p_values, holm(p_values, family), strict=True):
        assert p <= corrected <= min(1.0, family * p)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03], 3) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.01, 0.04, 0.03], 5) == pytest.approx([0.05, 0.12, 0.12])


@pytest.mark.parametrize("study", ["cpu", "gpu", "full"])
def test_studies_with_as_many_seeds_as_verdicts_need(study: str) -> None:
    """Claims on two datasets of one paper are one family."""
    nothing = simulated(plan_with_seeds(1), 0.0).head(0)
    needed = {}
    for name in replication_names():
        if study not in load_replication(name).studies:
            continue
        plan = with_tests_only(load_plan(name, study))
        claims = claims_table(plan, observed(nothing), NO_COSTS, Path("unused"))
        needed[name] = int(claims["seeds_needed"].max())
        assert needed[name] <= plan.seeds
    assert needed["nash_mtl"] == needed["nash_qm9"] == seeds_needed(3)


def plan_with_seeds(seeds: int) -> Plan:
    return load_plan("uncertainty", "gpu").model_copy(update={"seeds": seeds})


def simulated(plan: Plan, advantage: float) -> pd.DataFrame:
    """Runs whose multi-task models beat the single-task models by `advantage` on every metric."""
    rng = np.random.default_rng(0)
    rows = []
    metrics = {
        "semseg": ("miou", "%", True, 50.0),
        "instances": ("centroid_l1", "px", False, 4.0),
        "depth": ("inverse_depth_l1", "px", False, 0.6),
    }
    for name, run in plan.runs.items():
        for seed in plan.seed_numbers:
            for task in run.tasks:
                metric, unit, higher, base = metrics[task]
                shift = advantage * (run.role == "multi") * (1 if higher else -1)
                # Equal weights stay at the single-task level.
                shift = 0.0 if name == "equal" else shift
                value = base * (1 + shift + 0.01 * rng.standard_normal())
                place = (plan.name, name, run.role, "", seed, "test", task)
                rows.append((*place, metric, unit, higher, value))
    columns = ["replication", "run", "role", "condition", "seed", "split", "task", "metric", "unit"]
    return pd.DataFrame(rows, columns=[*columns, "higher_is_better", "value"])


def test_delta_m_averages_the_metrics_that_are_named() -> None:
    """A further metric of semantics, far worse than alone, counts only where none are named."""
    plan = plan_with_seeds(1)
    runs = simulated(plan, 0.0)
    further = runs[runs["task"] == "semseg"].assign(metric="pixel_accuracy", value=80.0)
    further.loc[further["role"] == "multi", "value"] = 40.0
    runs = pd.concat([runs, further])
    named = {"averaged": {"semseg": ["miou"]}}
    replication = plan.replication.model_copy(update=named)
    key = ["run", "definition"]
    every = delta_m_table(plan, deltas(plan, observed(runs))).set_index(key)["value"]
    averaging = plan.model_copy(update={"replication": replication})
    some = delta_m_table(averaging, deltas(averaging, observed(runs)))
    chosen = some.set_index(key)["value"]
    equal = [("equal", "per_metric"), ("equal", "per_task_primary")]
    three = -chosen[equal[0]] * 3
    assert every[equal[0]] == pytest.approx(-(three - 50) / 4)
    assert every[equal[1]] == pytest.approx(chosen[equal[1]])
    assert abs(chosen[equal[0]]) < 5


def test_delta_m_is_compared_with_single_task_training() -> None:
    plan = plan_with_seeds(5)
    runs = simulated(plan, 0.1)
    found = list(deltas(plan, observed(runs)))
    values = with_delta_m(observed(runs), found)
    delta = delta_m_table(plan, found)
    own = delta[(delta["run"] == "uncertainty") & (delta["definition"] == "per_metric")]["value"]
    assert (own < 0).all()

    def compared(run: str, against: str) -> Array | None:
        comparison = Comparison({0.0: (run, against)}, "all", "delta_m_per_metric")
        return differences(comparison, values)

    assert compared("uncertainty", "single") == pytest.approx(-own.to_numpy())
    assert compared("single", "uncertainty") == pytest.approx(own.to_numpy())
    assert compared("single", "absent") is None


@pytest.mark.parametrize(
    ("seeds", "advantage", "verdict"),
    [
        (10, 0.1, "reproduced"),
        (10, -0.1, "contradicted"),
        (10, 0.0, "undecided"),
        (3, 0.1, "undecided"),
    ],
)
def test_verdicts_on_simulated_runs(seeds: int, advantage: float, verdict: str) -> None:
    plan = plan_with_seeds(seeds)
    claims = claims_table(plan, observed(simulated(plan, advantage)), NO_COSTS, Path("unused"))
    assert claims.set_index("claim").loc["1", "verdict"] == verdict
    assert claims.set_index("claim").loc["2", "verdict"] == verdict
    assert claims.set_index("claim").loc["3", "verdict"] == verdict
    # The study does not train the runs that claim 4 compares.
    assert claims.set_index("claim").loc["4", "verdict"] == "undecided"
    assert claims.set_index("claim")["complete"].to_dict() == {
        "1": 1,
        "2": 1,
        "2g": 0,
        "3": 1,
        "L": 0,
        "4": 0,
    }


def test_what_a_run_saves() -> None:
    """Against the single-task networks of its tasks, or against another run; seed by seed."""
    plan = load_plan("sparse_sharing", "quick")
    parameters = {"hard": (40, 50), "sparse_sharing": (30, 60)}
    parameters |= {f"single_{task}": (20, 20) for task in ("semseg", "depth", "edges", "normals")}
    rows = [(run, seed, own) for run, both in parameters.items() for seed, own in enumerate(both)]
    costs = pd.DataFrame(rows, columns=["run", "seed", "parameters"])
    saving = {"run": "sparse_sharing", "cost": "parameters"}
    assert savings(plan, Saving.model_validate(saving), costs) == [62.5, 25.0]
    against = Saving.model_validate(saving | {"against": "hard"})
    assert savings(plan, against, costs) == pytest.approx([25.0, -20.0])
    missing = Saving.model_validate(saving | {"against": "hard_wide"})
    assert savings(plan, missing, costs) is None


@pytest.mark.parametrize(("spread", "verdict"), [(0.02, "reproduced"), (0.5, "contradicted")])
def test_agreement_of_final_values(tmp_path: Path, spread: float, verdict: str) -> None:
    plan = load_plan("uncertainty", "full").model_copy(update={"seeds": 2})
    claim = plan.replication.claims["4"]
    assert claim.agree is not None
    for number, run in enumerate(claim.agree.runs):
        for seed in range(2):
            folder = tmp_path / run / str(seed)
            folder.mkdir(parents=True)
            history = {column: [9.0, 1.0 + spread * number / 3] for column in claim.agree.columns}
            pd.DataFrame(history).to_csv(folder / "history.csv")
    claims = claims_table(plan, observed(simulated(plan, 0.0)), NO_COSTS, tmp_path)
    assert claims.set_index("claim").loc["4", "verdict"] == verdict


def test_tidy_table_refuses_duplicates_gaps_and_nan() -> None:
    plan = plan_with_seeds(2)
    table = spread(simulated(plan, 0.0), plan)
    assert checked(table, Path("runs.csv"), RUNS_KEY) is table
    with pytest.raises(StudyError, match=r"runs\.csv: twice the same"):
        checked(pd.concat([table, table.head(1)]), Path("runs.csv"), RUNS_KEY)
    with pytest.raises(StudyError, match="not finite"):
        checked(table.assign(value=np.nan), Path("runs.csv"), RUNS_KEY)
    with pytest.raises(StudyError, match="no column metric"):
        checked(table.drop(columns="metric"), Path("runs.csv"), RUNS_KEY)
    with pytest.raises(StudyError, match="role must be"):
        checked(table.assign(role="both"), Path("runs.csv"), RUNS_KEY)


def test_verdicts_are_seldom_wrong_and_find_what_is_large() -> None:
    """Fixed simulated studies with known truth; `benchmarks/verdicts.py` has the full table."""
    plan = with_tests_only(load_plan("uncertainty", "full"))
    rng = np.random.default_rng(0)
    for noise in NOISES.values():
        without = [simulated_verdicts(plan, 0.0, noise, rng) for _ in range(20)]
        assert sum(set(verdicts) != {"undecided"} for verdicts in without) <= 4
        large = [simulated_verdicts(plan, 4.0, noise, rng) for _ in range(5)]
        assert np.mean(np.array(large) == "reproduced") > 0.9
