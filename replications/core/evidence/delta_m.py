"""delta_m: the relative change of a multi-task run against its single-task runs, in percent.

Three definitions are in use and can disagree in sign, so all are computed and labelled:

- `per_task_primary`: mean over tasks of one primary metric each; positive is better (Maninis et
  al., CVPR 2019; Vandenhende et al., 2020).
- `per_metric`: mean over all metrics of all tasks; negative is better (Liu et al., NeurIPS 2021;
  Navon et al., ICML 2022).
- `per_task_mean`: mean over the metrics of a task, then over tasks; positive is better (LibMTL).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd

from replications.core.spec import ALL_TASKS, DELTA_METRICS, Plan

DEFINITIONS = {"per_task_primary": True, "per_metric": False, "per_task_mean": True}
"""Definition: whether higher is better."""
DELTA_KEY = ["replication", "run", "axis", "condition", "seed", "definition"]
_COLUMNS = [column for column in DELTA_KEY if column != "axis"]


def improvements(values: pd.Series, single: pd.Series, higher: pd.Series) -> pd.Series:
    """Relative improvement in percent, positive better; the series share a (task, metric) index."""
    sign = higher.map({True: 1.0, False: -1.0})
    return 100 * sign * (values - single) / single.abs()


def delta_m(gain: pd.Series, headline: Mapping[str, str]) -> dict[str, float]:
    """The three definitions from improvements indexed by (task, metric)."""
    tasks = list(gain.index.get_level_values("task").unique())
    primary = [gain[(task, headline[task])] for task in tasks]
    return {
        "per_task_primary": float(sum(primary) / len(primary)),
        "per_metric": float(-gain.mean()),
        "per_task_mean": float(gain.groupby(level="task").mean().mean()),
    }


def delta_m_table(plan: Plan, runs: pd.DataFrame) -> pd.DataFrame:
    """delta_m on the test split of every multi-task run and seed, against single runs of that seed,
    under every condition.

    Averaged are the metrics that the replication names, or all.
    Left out is a definition that at any seed needs the change relative to a metric of 0.
    """
    test = runs[runs["split"] == "test"]
    test = test.set_index(["run", "condition", "seed", "task", "metric"]).sort_index()
    conditions = runs["condition"].unique()
    rows = []
    for name, run in plan.runs.items():
        if run.role == "single":
            continue
        for condition, seed in itertools.product(conditions, range(plan.seeds)):
            multi = test.loc[(name, condition, seed)]
            singles = [
                test.loc[(plan.single_of(task, name), condition, seed)] for task in run.tasks
            ]
            gain = _gain(multi, pd.concat(singles), plan.replication.averaged)
            for definition, value in delta_m(gain, plan.replication.headline).items():
                place = (plan.name, name, condition, seed, definition)
                rows.append((*place, DEFINITIONS[definition], value))
    table = pd.DataFrame(rows, columns=[*_COLUMNS, "higher_is_better", "value"])
    same = [table[column] for column in ("run", "condition", "definition")]
    return table[np.isfinite(table["value"].astype(float)).groupby(same).transform("all")]


def _gain(
    multi: pd.DataFrame, single: pd.DataFrame, averaged: Mapping[str, list[str]]
) -> pd.Series:
    """Improvements on the metrics to average; infinite where the single-task metric is 0."""
    chosen = [metric in averaged.get(task, [metric]) for task, metric in multi.index]
    multi = multi[chosen]
    base = single.loc[multi.index, "value"]
    gain = improvements(multi["value"], base, multi["higher_is_better"])
    return gain.where(base != 0, np.inf)


def as_metrics(delta: pd.DataFrame) -> pd.DataFrame:
    """Rows of delta_m.csv as rows of runs.csv on the test split: metrics of the task `all`."""
    table = delta.assign(
        role="multi",
        split="test",
        task=ALL_TASKS,
        metric=delta["definition"].map(DELTA_METRICS),
        unit="%",
    )
    return table.drop(columns="definition")
