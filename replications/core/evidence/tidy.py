"""The tidy tables: one row per measured value; validated whenever written or read.

In memory a run that is laid out along axes has a name of its own (`joint@steps=640`); in the files
the run and its place on the axes are two columns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from replications.core.errors import StudyError
from replications.core.files import replacing
from replications.core.spec import Plan, base_of, origin, written
from replications.core.spec.layout import MEASURED, run_folder

RUNS_KEY = ["replication", "run", "axis", "condition", "seed", "split", "task", "metric"]
RUNS_COLUMNS = [
    *["replication", "run", "role", "condition", "seed", "split", "task", "metric", "unit"],
    *["higher_is_better", "value", "data_md5", "source_hash"],
]
COSTS_KEY = ["replication", "run", "axis", "seed"]
COSTS_COLUMNS = [
    *["replication", "run", "role", "seed", "parameters", "flops"],
    *["latency_ms", "latency_q1_ms", "latency_q3_ms", "latency_separate_ms"],
    *["training_s", "peak_memory_mb", "device"],
]
_READ = [file for file in MEASURED if file not in ("examples.npz", "model.pt")]
"""The files of every run folder that tables and figures are made from."""
_TEXT = ("axis", "condition")
"""Columns in which nothing is a value, and no gap."""


def collect(plan: Plan, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The values and the costs of every run of a plan, whose results are in `folder`; of those
    taken over from another replication too, as rows of this one.

    Raises:
        StudyError: a run folder is incomplete, was altered, or was made from something else.
    """
    values: list[dict[str, Any]] = []
    costs: list[dict[str, Any]] = []
    for run in plan.runs:
        expected = origin.of_run(plan, run, threads=0, device="")
        for seed in plan.seed_numbers:
            place = run_folder(folder, plan, run, seed)
            record = _verified(place, plan, run, seed, expected)
            metrics, cost = (
                json.loads((place / name).read_text(encoding="utf-8"))
                for name in ("metrics.json", "cost.json")
            )
            identity = {key: record[key] for key in ("run", "role", "seed")}
            identity |= {"replication": plan.name}
            stamp = {
                "data_md5": "-".join(md5[:8] for md5 in record["data"]["md5"].values()),
                "source_hash": record["source_hash"],
            }
            for name, tasks in metrics.items():
                split, _, condition = name.partition(" at ")
                where = identity | {"split": split, "condition": condition}
                values += [
                    {**where, "task": task, "metric": metric, **measured, **stamp}
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
                    "device": record["device"],
                }
            )
    return pd.DataFrame(values)[RUNS_COLUMNS], pd.DataFrame(costs)[COSTS_COLUMNS]


def _verified(
    folder: Path, plan: Plan, run: str, seed: int, expected: Mapping[str, Any]
) -> dict[str, Any]:
    """The origin of a run folder, which must be what the study asks for."""
    record = origin.verified(folder, _READ)
    found = {key: record.get(key) for key in ("replication", "study", "run", "seed")}
    owner = plan.owner(run)
    if found != {"replication": owner.name, "study": plan.study, "run": run, "seed": seed}:
        raise StudyError(f"{folder}: holds {found}; run snakemake, which trains it again")
    wanted = {key: expected[key] for key in ("trained_with", "evaluated_at", "source", "packages")}
    wanted |= origin.of_needed(plan, run, folder)
    for key, value in wanted.items():
        if record["origin"].get(key) != value:
            raise StudyError(
                f"{folder}: its {key} is {record['origin'].get(key)}, the study's {value}; "
                "run snakemake, which trains it again"
            )
    return record


def write_table(table: pd.DataFrame, path: Path, key: Sequence[str], plan: Plan) -> None:
    """Validate a table and write it as CSV, the runs' places on axes in a column `axis`."""
    apart = spread(table, plan)
    checked(apart, path, key)
    with replacing(path) as temporary:
        apart.to_csv(temporary, index=False)


def read_table(path: Path, key: Sequence[str], plan: Plan | None = None) -> pd.DataFrame:
    """Read a CSV written by `write_table` and validate it again; with the plan, under the names
    that runs have in memory."""
    table = pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str))
    table = table.fillna({column: "" for column in _TEXT if column in table})
    checked(table, path, key)
    if plan is None:
        return table
    names = {(base_of(run), written(plan.axes_of(run))): run for run in plan.runs}
    places = list(zip(table["run"], table["axis"], strict=True))
    if unknown := set(places) - set(names):
        raise StudyError(f"{path}: the study has no run {min(unknown)}")
    return table.assign(run=[names[place] for place in places]).drop(columns="axis")


def spread(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """A table with the names that runs have in files: the run, and its place on the axes."""
    places = {run: written(plan.axes_of(run)) for run in plan.runs}
    apart = table.assign(run=table["run"].map(base_of))
    apart.insert(table.columns.get_loc("run") + 1, "axis", table["run"].map(places))
    if "against" in table:
        apart["against"] = table["against"].map(base_of)
    return apart


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
