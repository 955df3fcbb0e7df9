"""The tidy tables: one row per measured value; validated whenever written or read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from replications.core.errors import StudyError
from replications.core.files import replacing
from replications.core.spec import Plan

RUNS_KEY = ["replication", "run", "seed", "split", "task", "metric"]
RUNS_COLUMNS = [
    *["replication", "run", "role", "seed", "split", "task", "metric", "unit"],
    *["higher_is_better", "value", "data_md5", "source_hash"],
]
COSTS_KEY = ["replication", "run", "seed"]
COSTS_COLUMNS = [
    *["replication", "run", "role", "seed", "parameters", "flops"],
    *["latency_ms", "latency_q1_ms", "latency_q3_ms", "latency_separate_ms"],
    *["training_s", "peak_memory_mb", "device"],
]


def collect(plan: Plan, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The values and the costs of every run folder `folder/<run>/<seed>` of a plan.

    Raises:
        StudyError: a run folder is incomplete or belongs to something else.
    """
    values: list[dict[str, Any]] = []
    costs: list[dict[str, Any]] = []
    for run in plan.runs:
        for seed in range(plan.seeds):
            origin, metrics, cost = _read_run(folder / run / str(seed), plan, run, seed)
            identity = {key: origin[key] for key in ("replication", "run", "role", "seed")}
            stamp = {
                "data_md5": "-".join(md5[:8] for md5 in origin["data"]["md5"].values()),
                "source_hash": origin["source_hash"],
            }
            values += [
                {**identity, "split": split, "task": task, "metric": metric, **measured, **stamp}
                for split, tasks in metrics.items()
                for task, found in tasks.items()
                for metric, measured in found.items()
            ]
            latency = cost.pop("latency_ms")
            costs.append(
                {
                    **identity,
                    **cost,
                    "latency_ms": latency["median"],
                    "latency_q1_ms": latency["q1"],
                    "latency_q3_ms": latency["q3"],
                    "device": origin["device"],
                }
            )
    return pd.DataFrame(values)[RUNS_COLUMNS], pd.DataFrame(costs)[COSTS_COLUMNS]


def _read_run(folder: Path, plan: Plan, run: str, seed: int) -> tuple[Any, Any, Any]:
    """Provenance, metrics and cost of one run folder."""
    read = []
    for name in ("provenance.json", "metrics.json", "cost.json"):
        try:
            read.append(json.loads((folder / name).read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise StudyError(f"{folder / name}: cannot be read ({error}); train it again") from None
    origin = read[0]
    found = (origin["replication"], origin["study"], origin["run"], origin["seed"])
    expected = (plan.name, plan.study, run, seed)
    if found != expected:
        raise StudyError(f"{folder}: holds {found}, expected {expected}; delete it and train again")
    return read[0], read[1], read[2]


def write_table(table: pd.DataFrame, path: Path, key: Sequence[str]) -> None:
    """Validate `table` and write it as CSV; see `checked`."""
    checked(table, path, key)
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def read_table(path: Path, key: Sequence[str]) -> pd.DataFrame:
    """Read a CSV written by `write_table` and validate it again."""
    return checked(pd.read_csv(path), path, key)


def checked(table: pd.DataFrame, path: Path, key: Sequence[str]) -> pd.DataFrame:
    """`table`, if its key columns are present, filled and unique and its numbers are finite.

    Raises:
        StudyError: naming the file and the first offending row.
    """
    missing = [column for column in key if column not in table]
    if missing:
        raise StudyError(f"{path}: no column {', '.join(missing)}")
    if table[list(key)].isna().any(axis=None):
        raise StudyError(f"{path}: a row without {', '.join(key)}")
    twice = table.duplicated(list(key))
    if twice.any():
        raise StudyError(f"{path}: twice the same: {dict(table.loc[twice, list(key)].iloc[0])}")
    numbers = table.select_dtypes("number")
    bad = ~np.isfinite(numbers.to_numpy(dtype=float)).all(axis=1)
    if bad.any():
        raise StudyError(f"{path}: not finite: {dict(table.loc[bad].iloc[0])}")
    if "role" in table and not set(table["role"]) <= {"single", "multi"}:
        raise StudyError(f"{path}: role must be single or multi, found {set(table['role'])}")
    return table
