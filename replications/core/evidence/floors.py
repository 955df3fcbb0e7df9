"""Which runs have learned: more than a prediction that does not look at its input.

The rule. Of every task the headline metric must be better than its floor, at every seed, by a
twentieth of the floor. Of percent it is a twentieth of what the floor leaves to 100 % where that is
less, and one point where the floor is below 20 %, as that of an average precision, which is near 0.
A run that is not is at its floor, and what rests on it is not decided.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from replications.core.evidence.values import Values
from replications.core.spec import ALL_TASKS, Plan, origin
from replications.core.spec.layout import floor_folder

MARGIN = 0.05
_LOW = 20.0  # percent: of a floor below it the margin is the same


@dataclass(frozen=True)
class Floors:
    """The floors of a replication.

    Attributes:
        table: rows of floors.csv: task, metric, unit, higher_is_better, floor and `least`, which a
            run must be better than.
        at_floor: the tasks on which a run is at its floor, of each run that is so on any.
    """

    table: pd.DataFrame
    at_floor: Mapping[str, list[str]]

    def none_of(self, runs: set[str], task: str) -> bool:
        """Whether none of the runs is at its floor on a task, or on any for `all`."""
        return not any(
            task in self.at_floor.get(run, []) or (task == ALL_TASKS and run in self.at_floor)
            for run in runs
        )

    def of(self, task: str, metric: str) -> float | None:
        """The floor of a metric."""
        own = self.table[(self.table["task"] == task) & (self.table["metric"] == metric)]
        return float(own["floor"].iloc[0]) if len(own) else None


NO_FLOORS = Floors(pd.DataFrame(columns=["task", "metric", "floor"]), {})


def floors_table(plan: Plan, folder: Path) -> pd.DataFrame:
    """The floors as measured, whose files must be those written there; the results of the plan are
    in `folder`."""
    place = floor_folder(folder, plan)
    origin.verified(place)
    measured = json.loads((place / "metrics.json").read_text(encoding="utf-8"))
    rows = []
    for task, metrics in measured.items():
        for metric, own in metrics.items():
            row = {"replication": plan.name, "task": task, "metric": metric}
            row |= {"unit": own["unit"], "higher_is_better": own["higher_is_better"]}
            least = least_of(own["value"], own["unit"], own["higher_is_better"])
            rows.append(row | {"floor": own["value"], "least": least})
    return pd.DataFrame(rows)


def least_of(floor: float, unit: str, higher_is_better: bool) -> float:
    """The value that a run must be better than."""
    margin = MARGIN * abs(floor)
    if unit == "%" and higher_is_better:
        margin = MARGIN * min(max(floor, _LOW), 100 - floor)
    return floor + margin if higher_is_better else floor - margin


def with_names(floors: Floors, plan: Plan) -> pd.DataFrame:
    """The table with the runs at each floor of a headline metric, in a column `at_floor`."""
    headline = plan.replication.headline
    return floors.table.assign(
        at_floor=[
            " ".join(run for run, tasks in floors.at_floor.items() if row.task in tasks)
            if headline.get(str(row.task)) == row.metric
            else ""
            for row in floors.table.itertuples()
        ]
    )


def with_runs(plan: Plan, table: pd.DataFrame, values: Values) -> Floors:
    """The floors with the runs that lie at them; `table`: rows of floors.csv."""
    found: dict[str, list[str]] = {}
    for row in table.itertuples():
        if plan.replication.headline.get(str(row.task)) != row.metric:
            continue
        sign = 1.0 if row.higher_is_better else -1.0
        for run in plan.runs:
            own = values.of(run, str(row.task), str(row.metric))
            if own is not None and not np.all(sign * (own - row.least) > 0):
                found.setdefault(run, []).append(str(row.task))
    return Floors(table, found)
