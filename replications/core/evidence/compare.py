"""Compare rebuilt values with the published ones, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from replications.core.evidence.statistics import interval
from replications.core.evidence.tidy import RUNS_KEY, read_table
from replications.core.files import replacing
from replications.core.spec import origin

_ROW = ["replication", "run", "axis", "condition", "task", "metric"]


def compare(folder: Path, published: Sequence[Path]) -> None:
    """Write `published.csv` into the folder of a family's results, which are compared with the
    published ones of replications."""
    records = [origin.verified(place) for place in published]
    tables = [read_table(place / "runs.csv", RUNS_KEY) for place in published]
    table = compared(read_table(folder / "runs.csv", RUNS_KEY), pd.concat(tables))
    with replacing(folder / "published.csv") as temporary:
        table.to_csv(temporary, index=False)
    counts = table["outcome"].value_counts()
    studies = ", ".join(dict.fromkeys(record["study"] for record in records))
    print(
        f"against the published values of study '{studies}':",
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
