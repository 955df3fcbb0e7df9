"""Compare rebuilt values with the published ones, row by row."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from replications.core.errors import run_command
from replications.core.evidence.statistics import interval
from replications.core.evidence.tidy import RUNS_KEY, read_table
from replications.core.files import replacing

_ROW = ["replication", "run", "task", "metric"]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rebuilt", type=Path, required=True, help="runs.csv of the study")
    parser.add_argument("--published", type=Path, required=True, help="runs.csv as published")
    parser.add_argument("--study", type=Path, required=True, help="study.json as published")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    rebuilt = read_table(arguments.rebuilt, RUNS_KEY)
    table = compared(rebuilt, read_table(arguments.published, RUNS_KEY))
    with replacing(arguments.output) as temporary:
        table.to_csv(temporary, index=False)
    counts = table["outcome"].value_counts()
    study = json.loads(arguments.study.read_text(encoding="utf-8"))["study"]
    print(
        f"against the published values of study '{study}':",
        ", ".join(f"{n} {name}" for name, n in counts.items()),
    )


def compared(rebuilt: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    """One row per run, task and metric on the test split that both have.

    `identical`: equal at every seed both have. `within interval`: the rebuilt mean lies in the
    95 % interval of the published one, widened by the rebuilt mean's own. Else `differs`.
    """
    both = [
        table[table["split"] == "test"].set_index([*_ROW, "seed"])["value"]
        for table in (rebuilt, published)
    ]
    pairs = pd.concat(both, axis=1, keys=["rebuilt", "published"])
    rows = []
    for key, values in pairs.groupby(level=_ROW, sort=False):
        own, other = values["rebuilt"].dropna(), values["published"].dropna()
        if len(own) and len(other):
            seeds = len(values.dropna())
            row = dict(zip(_ROW, key, strict=True)) | {"seeds_in_both": seeds}
            row |= {"rebuilt": own.mean(), "published": other.mean()}
            rows.append(row | {"outcome": _outcome(own, other)})
    return pd.DataFrame(rows, columns=[*_ROW, "seeds_in_both", "rebuilt", "published", "outcome"])


def _outcome(rebuilt: pd.Series, published: pd.Series) -> str:
    seeds = rebuilt.index.intersection(published.index)
    if len(seeds) and (rebuilt[seeds] == published[seeds]).all():
        return "identical"
    (low, high), (below, above) = interval(list(published)), interval(list(rebuilt))
    slack = (above - below) / 2
    return "within interval" if low - slack <= rebuilt.mean() <= high + slack else "differs"


if __name__ == "__main__":
    run_command(main)
