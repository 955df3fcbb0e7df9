"""delta_m: the relative change of a multi-task run against its single-task runs, in percent.

Three definitions are in use and can disagree in sign, so all are computed and labelled:

- `per_task_primary`: mean over tasks of one primary metric each; positive is better (Maninis et
  al., CVPR 2019; Vandenhende et al., 2020).
- `per_metric`: mean over all metrics of all tasks; negative is better (Liu et al., NeurIPS 2021;
  Navon et al., ICML 2022).
- `per_task_mean`: mean over the metrics of a task, then over tasks; positive is better (LibMTL).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from replications.core.spec import ALL_TASKS, DELTA_METRICS, Plan

DEFINITIONS = {"per_task_primary": True, "per_metric": False, "per_task_mean": True}
"""Definition: whether higher is better."""
DELTA_KEY = ["replication", "run", "seed", "definition"]


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
    """delta_m on the test split of every multi-task run and seed, against single runs of that seed.

    Averaged are the metrics that the replication names, or all.
    Left out is a definition that at any seed needs the change relative to a metric of 0.
    """
    test = runs[runs["split"] == "test"].set_index(["run", "seed", "task", "metric"]).sort_index()
    averaged = plan.replication.averaged
    rows = []
    for name, run in plan.runs.items():
        if run.role == "single":
            continue
        for seed in range(plan.seeds):
            multi = test.loc[(name, seed)]
            chosen = [metric in averaged.get(task, [metric]) for task, metric in multi.index]
            multi = multi[chosen]
            single = pd.concat([test.loc[(plan.single_of(t, name), seed)] for t in run.tasks])
            base = single.loc[multi.index, "value"]
            gain = improvements(multi["value"], base, multi["higher_is_better"])
            gain = gain.where(base != 0, np.inf)
            for definition, value in delta_m(gain, plan.replication.headline).items():
                row = (plan.name, name, seed, definition, DEFINITIONS[definition], value)
                rows.append(row)
    table = pd.DataFrame(rows, columns=[*DELTA_KEY, "higher_is_better", "value"])
    finite = np.isfinite(table["value"]).groupby([table["run"], table["definition"]])
    return table[finite.transform("all")]


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
