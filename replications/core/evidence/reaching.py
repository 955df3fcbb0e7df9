"""How fast a run learns: what it takes to reach its single-task counterpart's final value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from replications.core.evidence.values import Values
from replications.core.spec import Plan

_COLUMNS = [
    *["replication", "run", "task", "metric", "seeds", "reached"],
    *["steps", "share", "seconds", "single_seconds"],
]


def reaching_table(plan: Plan, values: Values, costs: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """One row per multi-task run and task, medians over the seeds that reach the value at all.

    `steps` is the first validation at which the headline metric is at least as good as that of the
    single-task run of the same seed at its end, both on the validation split; `share` is that of
    the single-task run's steps, `seconds` those of the run up to there, and `single_seconds` those
    of the single-task run's whole training. Validations are as far apart as the study has them.
    """
    rows = []
    seconds = costs.set_index(["run", "seed"])["training_s"]
    multi = {run: spec for run, spec in plan.runs.items() if spec.role == "multi" and not spec.axis}
    for run, spec in multi.items():
        for task in spec.tasks:
            single = plan.single_of(task, run)
            sign = values.sign(task, plan.replication.headline[task])
            found = list(_of_seeds(plan, folder, run, single, task, sign))
            reached = pd.Series({seed: step for seed, step in found if step}, dtype=float)
            total = plan.settings_of(run).steps
            row: dict[str, object] = {"replication": plan.name, "run": run, "task": task}
            row |= {"metric": plan.replication.headline[task]}
            row |= {"seeds": len(found), "reached": len(reached)}
            own = pd.Series({seed: seconds[run, seed] for seed in reached.index}, dtype=float)
            row |= {"steps": reached.median(), "share": (reached / total).median()}
            row |= {"seconds": (own * reached / total).median()}
            row |= {"single_seconds": seconds[single].median()}
            rows.append(row)
    return pd.DataFrame(rows, columns=_COLUMNS)


def _of_seeds(
    plan: Plan, folder: Path, run: str, single: str, task: str, sign: float
) -> Iterator[tuple[int, float]]:
    """Each seed, and at which step the run reaches the value; 0 where it does not."""
    metric = plan.replication.headline[task]
    for seed in plan.seed_numbers:
        own, other = (_curve(folder / name / str(seed), task, metric) for name in (run, single))
        there = own[sign * own >= sign * (other.iloc[-1] if len(other) else math.inf)]
        yield seed, float(there.index[0]) if len(there) else 0.0


def _curve(folder: Path, task: str, metric: str) -> pd.Series:
    """The metric on the validation split by step."""
    history = pd.read_csv(folder / "history.csv").set_index("step")
    column = f"val_{task}_{metric}"
    return history[column].dropna() if column in history else pd.Series(dtype=float)
