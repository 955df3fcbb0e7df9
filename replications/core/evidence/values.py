"""What was measured on the test split, as arrays over seeds, and over draws of the test samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.data.labels import Array
from replications.core.spec import Plan
from replications.core.spec.layout import run_folder

Measurement = tuple[str, str, str, str]
"""Run, task, metric and condition."""


@dataclass(frozen=True)
class Values:
    """Metrics on the test split.

    Attributes:
        found: of each run, task, metric and condition the values, (seeds,) or (seeds, draws).
        higher: of each task and metric whether higher is better.
    """

    found: dict[Measurement, Array]
    higher: dict[tuple[str, str], bool]

    def of(self, run: str, task: str, metric: str, condition: str = "") -> Array | None:
        """The values of one metric; None where there are none."""
        return self.found.get((run, task, metric, condition))

    def sign(self, task: str, metric: str) -> float:
        """1 where higher is better, else -1."""
        return 1.0 if self.higher[task, metric] else -1.0

    def gain(self, run: str, single: str, task: str, metric: str, condition: str = "") -> Array:
        """How much better a run is than another, in percent of that one's mean over seeds."""
        own = self.found[run, task, metric, condition]
        base = self.found[single, task, metric, condition]
        with np.errstate(divide="ignore", invalid="ignore"):
            found = 100 * self.sign(task, metric) * (own - base) / np.abs(base.mean(axis=0))
        return np.asarray(found)

    def metrics_of(self, run: str, task: str, condition: str = "") -> Iterator[str]:
        """The metrics of a task that a run has values of."""
        return (m for r, t, m, c in self.found if (r, t, c) == (run, task, condition))


def observed(runs: pd.DataFrame) -> Values:
    """The values of rows of runs.csv on the test split, seeds in rising order."""
    test = runs[runs["split"] == "test"]
    key = ["run", "task", "metric", "condition"]
    table = test.pivot(index="seed", columns=key, values="value").sort_index()
    found = {place: table[place].to_numpy(float) for place in table.columns}
    ways = test.drop_duplicates(["task", "metric"])
    higher = dict(
        zip(zip(ways["task"], ways["metric"], strict=True), ways["higher_is_better"], strict=True)
    )
    return Values(found, higher)


def resampled(plan: Plan, folder: Path, own: Values) -> Values:
    """The values of `own` under the usual condition on test splits drawn anew, the same for every
    run and seed, from the run folders of `folder`; metrics that a draw lacks are left out."""
    found: dict[Measurement, Array] = {}
    for run in plan.runs:
        places = [run_folder(folder, plan, run, seed) for seed in plan.seed_numbers]
        tables = [pd.read_csv(place / "resampled.csv") for place in places]
        for column in tables[0].columns:
            task, _, metric = column.partition(".")
            values = np.stack([table[column].to_numpy(float) for table in tables])
            if np.isfinite(values).all():
                found[run, task, metric, ""] = values
    return Values(found, own.higher)
