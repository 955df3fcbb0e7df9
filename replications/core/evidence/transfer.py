"""What the tasks do to each other, and how far training carries over to unseen data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from replications.core.evidence.delta_m import improvements
from replications.core.evidence.statistics import interval
from replications.core.evidence.values import observed
from replications.core.spec import Plan

_TRANSFER = ["replication", "run", "task", "together_with", "gain", "low", "high", "seeds"]


def transfer_table(plan: Plan, runs: pd.DataFrame) -> pd.DataFrame:
    """The change on the test split of the headline metric of each task of each multi-task run
    against the single-task run of the same seed, in percent of its mean over seeds; positive is
    better.

    `together_with` are the run's other tasks: a row with one other task is the transfer of a pair.
    `transfer` is `negative` or `positive` where the 95 % interval excludes 0.
    """
    values = observed(runs)
    rows = []
    for name, run in plan.runs.items():
        for task in run.tasks if run.role == "multi" else []:
            single, metric = plan.single_of(task, name), plan.replication.headline[task]
            gain = values.gain(name, single, task, metric)
            others = "+".join(other for other in run.tasks if other != task)
            rows.append(
                {"replication": plan.name, "run": name, "task": task, "together_with": others}
                | _summary("gain", gain.tolist())
            )
    table = pd.DataFrame(rows, columns=_TRANSFER)
    sign = np.select([table["high"] < 0, table["low"] > 0], ["negative", "positive"], "unclear")
    return table.assign(transfer=sign)


def overfitting_table(plan: Plan, runs: pd.DataFrame) -> pd.DataFrame:
    """How much better, in percent, the headline metric is on training than on test samples."""
    train, test = _headline(plan, runs, "train"), _headline(plan, runs, "test")
    rows = []
    for name, run in plan.runs.items():
        for task in run.tasks:
            own, unseen = train.loc[(name, task)], test.loc[(name, task)]
            gap = improvements(own["value"], unseen["value"], own["higher_is_better"])
            rows.append(
                {"replication": plan.name, "run": name, "task": task}
                | {"train": own["value"].mean(), "test": unseen["value"].mean()}
                | _summary("gap", gap.tolist())
            )
    return pd.DataFrame(rows)


def _headline(plan: Plan, runs: pd.DataFrame, split: str) -> pd.DataFrame:
    """The headline metric's rows of a split, by run, task and seed."""
    chosen = runs[(runs["split"] == split) & (runs["condition"] == "")]
    chosen = chosen[chosen["metric"] == chosen["task"].map(plan.replication.headline)]
    return chosen.set_index(["run", "task", "seed"]).sort_index()


def _summary(name: str, values: Sequence[float]) -> dict[str, float]:
    low, high = interval(values)
    return {name: float(np.mean(values)), "low": low, "high": high, "seeds": len(values)}
