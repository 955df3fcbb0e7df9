"""What the tables and figures of a replication are made from: its plan and its tidy tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.data.labels import Array
from replications.core.evidence.delta_m import DELTA_KEY, as_metrics
from replications.core.evidence.floors import Floors, with_runs
from replications.core.evidence.statistics import interval
from replications.core.evidence.tidy import COSTS_KEY, RUNS_KEY, read_table
from replications.core.evidence.values import Values, observed
from replications.core.spec import REPLICATIONS, Plan, load_plan, origin
from replications.core.spec.layout import run_folder


@dataclass(frozen=True)
class Results:
    """The tables of one replication in one study.

    Attributes:
        runs: rows of runs.csv.
        test: mean, spread (standard deviation over seeds), 95 % interval and unit of each (run,
            task, metric) on the test split under the usual condition, delta_m as metrics of the
            task `all` included.
        under: the same under every condition, indexed by (condition, run, task, metric).
        costs: median over seeds of each cost, and the device, by run.
        delta: rows of delta_m.csv under the usual condition.
        comparisons: rows of comparisons.csv.
        claims: rows of claims.csv.
        transfer: rows of transfer.csv.
        overfitting: rows of overfitting.csv.
        ladder: rows of ladder.csv.
        reaching: rows of reaching.csv.
        floors: rows of floors.csv, and the runs at their floor.
        reported: rows of the replication's reported.csv.
    """

    plan: Plan
    folder: Path
    runs: pd.DataFrame
    test: pd.DataFrame
    under: pd.DataFrame
    costs: pd.DataFrame
    delta: pd.DataFrame
    comparisons: pd.DataFrame
    claims: pd.DataFrame
    transfer: pd.DataFrame
    overfitting: pd.DataFrame
    ladder: pd.DataFrame
    reaching: pd.DataFrame
    floors: Floors
    reported: pd.DataFrame

    def run_folder(self, run: str, seed: int) -> Path:
        """Where a run lies."""
        return run_folder(self.folder, self.plan, run, seed)

    def examples(self, run: str) -> dict[str, Array]:
        """The arrays of seed 0's `examples.npz`."""
        with self._arrays(run, 0) as arrays:
            return dict(arrays)

    def learned(self, run: str, name: str) -> Array:
        """What the learners of all seeds found out under a name, (seeds, ...)."""
        found = []
        for seed in self.plan.seed_numbers:
            with self._arrays(run, seed) as arrays:
                found.append(arrays[f"learned_{name}"])
        return np.stack(found)

    def _arrays(self, run: str, seed: int) -> np.lib.npyio.NpzFile:
        place = self.run_folder(run, seed)
        origin.verified(place, ["examples.npz"])
        found: np.lib.npyio.NpzFile = np.load(place / "examples.npz")
        return found

    def history(self, run: str, seed: int) -> pd.DataFrame:
        """What the training of a run recorded, a row per recorded step."""
        return pd.read_csv(self.run_folder(run, seed) / "history.csv")

    def loss(self, run: str, seed: int, task: str) -> pd.Series:
        """The recorded loss of a task's final prediction by step."""
        history = self.history(run, seed).set_index("step")
        final = f"final_{task}"
        return history[final if final in history else f"loss_{task}"].dropna()

    def experiment(self, name: str) -> pd.DataFrame:
        """The table an experiment left."""
        return pd.read_csv(self.folder / name / "table.csv")

    def numbers(self, experiment: str) -> dict[str, float]:
        """The numbers an experiment left for claims and the paper."""
        path = self.folder / experiment / "numbers.json"
        numbers: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        return numbers

    @cached_property
    def values(self) -> Values:
        """What was measured on the test split, delta_m among it, as arrays over seeds."""
        return observed(pd.concat([self.runs, as_metrics(self.delta)]))

    def saved(self, run: str, cost: str, against: str | None = None) -> float:
        """Percent of `cost` that `run` saves against another run, or the sum of the single-task
        networks."""
        return saved(self.plan, self.costs, run, cost, against)


def saved(
    plan: Plan, costs: pd.DataFrame, run: str, cost: str, against: str | None = None
) -> float:
    """Percent of `cost` that `run` saves against another run, or the single-task networks; `costs`
    has a row per run, its index.

    Latency is compared with that of the single-task networks timed in turn with the run; parameters
    and operations with those of the single-task runs.
    """
    if against:
        separate = costs.loc[against, cost]
    elif cost == "latency_ms":
        separate = costs.loc[run, "latency_separate_ms"]
    else:
        singles = [plan.single_of(task, run) for task in plan.runs[run].tasks]
        separate = costs.loc[singles, cost].sum()
    return float(100 * (1 - costs.loc[run, cost] / separate))


def load_results(folder: Path) -> Results:
    """Read the tables in `folder`, which must be those that `summarise` wrote."""
    record = origin.verified(folder)
    plan = load_plan(record["replication"], record["study"])
    runs = read_table(folder / "runs.csv", RUNS_KEY, plan)
    costs = read_table(folder / "costs.csv", COSTS_KEY, plan)
    delta = read_table(folder / "delta_m.csv", DELTA_KEY, plan)
    return results_of(
        plan,
        folder,
        runs,
        costs,
        delta,
        {
            table: pd.read_csv(folder / f"{table}.csv", dtype={"claim": str})
            for table in (
                *("comparisons", "claims", "transfer", "overfitting", "floors"),
                *("ladder", "reaching"),
            )
        },
    )


def results_of(
    plan: Plan,
    folder: Path,
    runs: pd.DataFrame,
    costs: pd.DataFrame,
    delta: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
) -> Results:
    """The results from their tables."""
    test = pd.concat([runs[runs["split"] == "test"], as_metrics(delta)])
    under = test.groupby(["condition", "run", "task", "metric"]).agg(
        mean=("value", "mean"),
        spread=("value", lambda v: v.std(ddof=1) if len(v) > 1 else 0.0),
        low=("value", lambda v: interval(list(v))[0]),
        high=("value", lambda v: interval(list(v))[1]),
        unit=("unit", "first"),
        higher_is_better=("higher_is_better", "first"),
    )
    numbers = ["parameters", "flops", "latency_ms", "latency_separate_ms"]
    numbers += ["training_s", "peak_memory_mb"]
    floors = with_runs(plan, tables["floors"], observed(runs))
    return Results(
        plan=plan,
        folder=folder,
        runs=runs,
        test=under.xs("", level="condition"),
        under=under,
        costs=costs.groupby("run").agg(dict.fromkeys(numbers, "median") | {"device": "first"}),
        delta=delta[delta["condition"] == ""],
        reported=pd.read_csv(REPLICATIONS / plan.name / "reported.csv"),
        **{name: table for name, table in tables.items() if name != "floors"},
        floors=floors,
    )
