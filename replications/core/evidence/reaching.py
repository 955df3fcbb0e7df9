"""How fast a run learns: what it takes to reach its single-task counterpart's final value."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from replications.core.evidence.values import Values
from replications.core.spec import Plan
from replications.core.spec.layout import run_folder

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
    runs = [run for run, spec in plan.runs.items() if not spec.axis]
    curves = {
        (run, seed): pd.read_csv(
            run_folder(folder, plan, run, seed) / "history.csv", index_col="step"
        )
        for run in runs
        for seed in plan.seed_numbers
    }
    rows = []
    seconds = costs.set_index(["run", "seed"])["training_s"]
    for run in (run for run in runs if plan.runs[run].role == "multi"):
        for task in plan.runs[run].tasks:
            single, metric = plan.single_of(task, run), plan.replication.headline[task]
            sign, column = values.sign(task, metric), f"val_{task}_{metric}"
            found = {
                seed: _reached(curves[run, seed], curves[single, seed], column, sign)
                for seed in plan.seed_numbers
            }
            reached = pd.Series(found, dtype=float).dropna()
            total = plan.settings_of(run).steps
            own = pd.Series({seed: seconds[run, seed] for seed in reached.index}, dtype=float)
            row: dict[str, object] = {"replication": plan.name, "run": run, "task": task}
            row |= {"metric": metric, "seeds": plan.seeds, "reached": len(reached)}
            row |= {"steps": reached.median(), "share": (reached / total).median()}
            row |= {"seconds": (own * reached / total).median()}
            row |= {"single_seconds": seconds[single].median()}
            rows.append(row)
    return pd.DataFrame(rows, columns=_COLUMNS)


def _reached(own: pd.DataFrame, single: pd.DataFrame, column: str, sign: float) -> float:
    """The first step at which a run's history is as good as the other's end; NaN where none is."""
    if column not in own or column not in single:
        return math.nan
    end = single[column].dropna().iloc[-1]
    there = own.index[sign * own[column] >= sign * end]
    return float(there[0]) if len(there) else math.nan
