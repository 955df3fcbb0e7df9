"""What the rule of verdicts does when the truth is known, by simulation.

Studies are drawn whose runs differ by a known effect, single-task seeds included, and sent through
the project's own table of claims. Printed: how often a study without any effect
gives a verdict on any claim (family-wise error), how often a claim is found true or false that is,
how often intervals of few seeds cover the truth, and which verdicts are settled on learning curves
of known shape.

    python -m benchmarks.verdicts [--studies 300]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.evidence.claims import claims_table
from replications.core.evidence.statistics import interval
from replications.core.evidence.values import Values, observed
from replications.core.spec import Plan, load_plan

SEEDS = (3, 5, 8, 10)
Noise = Callable[[np.random.Generator, int], np.ndarray]
NOISES: dict[str, Noise] = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "heavy-tailed (t, 3)": lambda rng, n: rng.standard_t(3, n) / np.sqrt(3),
    "skewed (exponential)": lambda rng, n: rng.exponential(1, n) - 1,
}


CURVES = {
    "parallel, rising": (3.0, 3.0, 3.0),
    "drawing apart": (0.5, 2.0, 4.0),
    "levelling off": (6.0, 4.0, 3.5),
    "meeting": (8.0, 4.0, 2.0),
    "crossing at the end": (-3.0, -3.0, 3.0),
    "crossing early": (-3.0, 3.0, 3.5),
    "none": (0.0, 0.0, 0.0),
}
"""How much better the multi-task runs are at each budget."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=300, help="simulated per line")
    studies = parser.parse_args().studies
    plan = with_tests_only(load_plan("uncertainty", "full"))
    print(
        "noise, seeds: any verdict without effect; found true at 1, 2, 4 sd; found false at -2 sd"
    )
    for name, noise in NOISES.items():
        for seeds in SEEDS:
            rng = np.random.default_rng(seeds)
            sized = plan.model_copy(update={"seeds": seeds})
            verdicts = {
                effect: np.array(
                    [simulated_verdicts(sized, effect, noise, rng) for _ in range(studies)]
                )
                for effect in (0.0, 1.0, 2.0, 4.0, -2.0)
            }
            error = (verdicts[0.0] != "undecided").any(axis=1).mean()
            power = [(verdicts[effect] == "reproduced").mean() for effect in (1.0, 2.0, 4.0)]
            wrong = max((verdicts[e] == "contradicted").mean() for e in (1.0, 2.0, 4.0))
            power.append((verdicts[-2.0] == "contradicted").mean())
            shown = " ".join(f"{100 * p:5.1f} %" for p in power)
            print(f"{name:22}{seeds:3}: {100 * error:4.1f} %; {shown}; wrongly {100 * wrong:.1f} %")
    print("curves, in standard deviations at B, 2B, 4B: settled, in part, not, no difference found")
    for name, gains in CURVES.items():
        shares = _settling(gains, max(1, studies // 10))
        shown = ", ".join(f"{100 * share:.0f} %" for share in shares)
        print(f"{name:22}{gains}: {shown}")
    print("noise, seeds: cover of Student's 95 % interval, of the percentile bootstrap")
    for name, noise in NOISES.items():
        for seeds in SEEDS:
            student, bootstrap = _coverage(seeds, noise, 20 * studies)
            print(f"{name:22}{seeds:3}: {100 * student:.1f} %, {100 * bootstrap:.1f} %")


def with_tests_only(plan: Plan) -> Plan:
    """The plan with only those claims that are decided by a test."""
    claims = {number: claim for number, claim in plan.replication.claims.items() if claim.tested}
    replication = plan.replication.model_copy(update={"claims": claims})
    return plan.model_copy(update={"replication": replication})


def simulated_verdicts(
    plan: Plan, effect: float, noise: Noise, rng: np.random.Generator
) -> list[str]:
    """Verdicts of one simulated study, on the claims whose runs it has: single-task runs and those
    of fixed weights at 0, the others better by `effect` standard deviations of a run over seeds."""
    rows = []
    for name, run in plan.runs.items():
        shift = 0.0 if run.role == "single" or run.weighting.name == "equal" else effect
        for task in run.tasks:
            metric = plan.replication.headline[task]
            values = shift + noise(rng, plan.seeds)
            kept = ("test", "", task, metric, True)
            rows += [(name, seed, *kept, value) for seed, value in enumerate(values)]
    columns = ["run", "seed", "split", "condition", "task", "metric", "higher_is_better", "value"]
    runs = pd.DataFrame(rows, columns=columns)
    return list(_tested(plan, observed(runs))["verdict"])


def _tested(plan: Plan, values: Values) -> pd.DataFrame:
    """The claims that some of the values bear on."""
    claims = claims_table(plan, values, pd.DataFrame(), Path())
    return claims[claims["p_all"].notna()]


def _settling(gains: tuple[float, float, float], studies: int) -> list[float]:
    """Shares of verdicts that are settled, settled for some comparisons and not settled, and of
    claims without one; every run gains five standard deviations with each doubling."""
    plan = with_tests_only(load_plan("uncertainty", "cpu"))
    rng = np.random.default_rng(0)
    found: list[tuple[bool, bool, bool]] = []
    for _ in range(studies):
        table = _tested(plan, _curves(plan, gains, rng))
        settled, parts = table["settled_from"].notna(), table["parts_open"] != ""
        waiting = table["reason"] == "not settled"
        found += zip(settled & ~parts, settled & parts, waiting, strict=True)
    shares = [float(share) for share in np.mean(found, axis=0)]
    return [*shares, abs(1 - sum(shares))]


def _curves(plan: Plan, gains: tuple[float, float, float], rng: np.random.Generator) -> Values:
    """Values of every run at every budget of the plan's ladder."""
    values, higher = {}, {}
    for name, run in plan.runs.items():
        index = plan.ladder.index(plan.settings_of(name).steps)
        level = run.role == "single" or run.weighting.name == "equal"
        for task in run.tasks:
            metric = plan.replication.headline[task]
            shift = 5.0 * index + (0.0 if level else gains[index])
            values[name, task, metric, ""] = shift + rng.standard_normal(plan.seeds)
            higher[task, metric] = True
    return Values(values, higher)


def _coverage(seeds: int, noise: Noise, draws: int) -> tuple[float, float]:
    """How often the two intervals of a mean paired difference cover 0, the truth."""
    rng = np.random.default_rng(seeds)
    covered = np.zeros(2)
    for _ in range(draws):
        values = noise(rng, seeds) - noise(rng, seeds)
        low, high = interval(list(values))
        means = values[rng.integers(seeds, size=(1000, seeds))].mean(axis=1)
        bottom, top = np.quantile(means, (0.025, 0.975))
        covered += [low <= 0 <= high, bottom <= 0 <= top]
    return float(covered[0] / draws), float(covered[1] / draws)


if __name__ == "__main__":
    main()
