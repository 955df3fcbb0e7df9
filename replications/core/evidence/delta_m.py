"""delta_m: the relative change of a multi-task run against its single-task runs, in percent.

Three definitions are in use and can disagree in sign, so all are computed and labelled:

- `per_task_primary`: mean over tasks of one primary metric each; positive is better (Maninis et
  al., CVPR 2019; Vandenhende et al., 2020).
- `per_metric`: mean over all metrics of all tasks; negative is better (Liu et al., NeurIPS 2021;
  Navon et al., ICML 2022).
- `per_task_mean`: mean over the metrics of a task, then over tasks; positive is better (LibMTL).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from replications.core.data.labels import Array
from replications.core.evidence.floors import NO_FLOORS, Floors
from replications.core.evidence.values import Values
from replications.core.spec import ALL_TASKS, DELTA_METRICS, Plan

DEFINITIONS = {"per_task_primary": True, "per_metric": False, "per_task_mean": True}
"""Definition: whether higher is better."""
DELTA_KEY = ["replication", "run", "axis", "condition", "seed", "definition"]
STEADY = 0.25
"""Standard deviation over seeds, as a share of the mean, up to which a single-task value serves to
be relative to."""
Metric = tuple[str, str]
"""Task and metric."""


def improvements(values: pd.Series, single: pd.Series, higher: pd.Series) -> pd.Series:
    """Relative improvement in percent, positive better; the series share an index."""
    sign = higher.map({True: 1.0, False: -1.0})
    return 100 * sign * (values - single) / single.abs()


def weights(
    metrics: Sequence[Metric], headline: Mapping[str, str]
) -> dict[str, dict[Metric, float]]:
    """What each definition multiplies improvements on metrics with, positive better, before it adds
    them up."""
    tasks = list(dict.fromkeys(task for task, _ in metrics))
    counts = {task: sum(own == task for own, _ in metrics) for task in tasks}
    return {
        "per_task_primary": {(task, headline[task]): 1 / len(tasks) for task in tasks},
        "per_metric": dict.fromkeys(metrics, -1 / len(metrics)),
        "per_task_mean": {m: 1 / (len(tasks) * counts[m[0]]) for m in metrics},
    }


def delta_m(gain: pd.Series, headline: Mapping[str, str]) -> dict[str, float]:
    """The three definitions from improvements indexed by (task, metric)."""
    return {
        definition: float(sum(weight * gain[metric] for metric, weight in own.items()))
        for definition, own in weights(list(gain.index), headline).items()
    }


@dataclass(frozen=True)
class Delta:
    """delta_m of one run under one condition in one definition.

    Attributes:
        values: in percent, (seeds,) or (seeds, draws).
        meaningful: no single-task run that it is relative to lies at its floor, or varies over
            seeds by more than a quarter of its mean.
    """

    run: str
    condition: str
    definition: str
    values: Array
    meaningful: bool


def deltas(plan: Plan, values: Values, floors: Floors = NO_FLOORS) -> Iterator[Delta]:
    """delta_m of every multi-task run against its single-task runs, seed by seed.

    The change is relative to the mean of the single-task run over seeds, so that the mean of
    delta_m is one of ratios of means: the ratio to one seed's value, where that is small, is noise.
    Averaged are the metrics that the replication names, or all. Left out is a definition that needs
    the change relative to a mean of 0.
    """
    conditions = dict.fromkeys(condition for *_, condition in values.found)
    multi = [run for run, spec in plan.runs.items() if spec.role == "multi"]
    for run, condition in ((run, condition) for run in multi for condition in conditions):
        gains, steady = _gains(plan, values, run, condition)
        learned = all(
            floors.none_of({plan.single_of(task, run)}, task) for task in plan.runs[run].tasks
        )
        averaged = [m for m in gains if m[1] in plan.replication.averaged.get(m[0], [m[1]])]
        for definition, own in weights(averaged, plan.replication.headline).items():
            found = np.sum([weight * gains[metric] for metric, weight in own.items()], axis=0)
            if np.isfinite(found).all():
                sound = learned and all(steady[metric] for metric in own)
                yield Delta(run, condition, definition, found, sound)


def _gains(
    plan: Plan, values: Values, run: str, condition: str
) -> tuple[dict[Metric, Array], dict[Metric, bool]]:
    """The improvement in percent on every metric, positive better, and whether the single-task
    values are steady enough to be relative to."""
    gains, steady = {}, {}
    for task in plan.runs[run].tasks:
        single = plan.single_of(task, run)
        for metric in values.metrics_of(run, task, condition):
            base = values.of(single, task, metric, condition)
            if base is None:  # of what only this run predicts
                continue
            gains[task, metric] = values.gain(run, single, task, metric, condition)
            mean = np.abs(base.mean(axis=0))
            spread = base.std(axis=0, ddof=1) if len(base) > 1 else 0.0
            steady[task, metric] = bool(np.all(spread <= STEADY * mean))
    return gains, steady


def with_delta_m(values: Values, found: Iterable[Delta]) -> Values:
    """The values with those of delta_m as metrics of the task `all`."""
    own = {
        (one.run, ALL_TASKS, DELTA_METRICS[one.definition], one.condition): one.values
        for one in found
    }
    ways = {(ALL_TASKS, DELTA_METRICS[name]): higher for name, higher in DEFINITIONS.items()}
    return Values(values.found | own, values.higher | ways)


def delta_m_table(plan: Plan, found: Iterable[Delta]) -> pd.DataFrame:
    """A row per run, condition, seed and definition."""
    rows = [
        (plan.name, one.run, one.condition, seed, one.definition, value, one.meaningful)
        for one in found
        for seed, value in zip(plan.seed_numbers, one.values, strict=True)
    ]
    columns = ["replication", "run", "condition", "seed", "definition", "value", "meaningful"]
    table = pd.DataFrame(rows, columns=columns)
    table.insert(5, "higher_is_better", table["definition"].map(DEFINITIONS))
    return table


def as_metrics(delta: pd.DataFrame) -> pd.DataFrame:
    """Rows of delta_m.csv as rows of runs.csv on the test split: metrics of the task `all`."""
    table = delta.assign(
        role="multi",
        split="test",
        task=ALL_TASKS,
        metric=delta["definition"].map(DELTA_METRICS),
        unit="%",
    )
    return table.drop(columns=["definition", "meaningful"])
