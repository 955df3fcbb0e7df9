"""delta_m of the published tables, computed again from the published metrics."""

from __future__ import annotations

import pandas as pd

from replications.core.evidence.delta_m import DEFINITIONS, delta_m, improvements
from replications.core.spec import DELTA_METRICS, Replication


def recomputed(
    replication: Replication, reported: pd.DataFrame, higher_is_better: pd.Series
) -> pd.DataFrame:
    """delta_m of each reported method in the three definitions, beside what was published.

    The baseline on a dataset is the method, or are the methods, whose rows belong to single-task
    runs; of values reported twice the first counts. A dataset without a baseline, or with tasks
    that the replication does not have, is left out. `higher_is_better` is indexed by (task,
    metric). Returned are dataset, method, definition, `recomputed` and `published` (NaN where the
    paper gives none), in percent.
    """
    singles = {name for name, run in replication.runs.items() if run.role == "single"}
    baselines = set(reported.loc[reported["run"].isin(singles), "method"])
    rows = []
    for dataset, table in reported.groupby("dataset", sort=False):
        metrics = table[table["task"] != "all"]
        if not metrics["task"].isin(list(replication.headline)).all():
            continue
        metrics = metrics.drop_duplicates(["method", "task", "metric"])
        metrics = metrics.set_index(["method", "task", "metric"])["value"]
        base = metrics[metrics.index.isin(baselines, level="method")].droplevel("method")
        base = base[~base.index.duplicated()]
        if base.empty:
            continue
        for method in metrics.index.unique("method").difference(baselines, sort=False):
            values = metrics[method].reindex(base.index).dropna()
            if set(values.index.unique("task")) != set(base.index.unique("task")):
                continue
            higher = higher_is_better.reindex(values.index)
            gain = improvements(values, base.reindex(values.index), higher)
            tasks = gain.index.unique("task")
            has_headline = all((t, replication.headline[t]) in gain.index for t in tasks)
            if higher.isna().any() or not has_headline:
                continue
            published = table[(table["method"] == method) & (table["task"] == "all")]
            published_of = published.set_index("metric")["value"]
            for definition, value in delta_m(gain, replication.headline).items():
                rows.append(
                    (
                        dataset,
                        method,
                        definition,
                        value,
                        published_of.get(DELTA_METRICS[definition]),
                    )
                )
    columns = ["dataset", "method", "definition", "recomputed", "published"]
    return pd.DataFrame(rows, columns=columns).astype({"published": float})


def disagreements(table: pd.DataFrame, value: str, by: list[str]) -> pd.Series:
    """Whether the definitions call it a gain and a loss, for each group of rows."""
    sign = table["definition"].map({name: 1 if up else -1 for name, up in DEFINITIONS.items()})
    gains = (table[value] * sign).groupby([table[column] for column in by], sort=False)
    return (gains.max() > 0) & (gains.min() < 0)
