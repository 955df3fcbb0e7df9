"""Choose the learning rate of every run by its validation metrics, and record all that was tried.

The score of a run at a rate is the mean, over the seeds of the study and the tasks of the run, of
the logarithm of the headline metric on the validation split, its sign turned where lower is better:
the best score is the best geometric mean, whatever the units. A training that diverged scores the
least of all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from replications.core.files import replacing
from replications.core.spec import AT_END, CHOSEN, COLUMNS, RATE, Plan, base_of, origin

_LEAST = 1e-3
"""What a metric of 0 counts as, such as the average precision of a detector that finds nothing."""


def choose(plan: Plan, folder: Path, output: Path) -> None:
    """Write every measured value, the scores and the choice of the replication's own runs, whose
    folders `folder` holds."""
    own = [run for run, spec in plan.runs.items() if not spec.of]
    rows = [row for run in own for row in _measured(plan, folder, run)]
    table = pd.DataFrame(rows)
    scores = table.groupby(["run", RATE])["log"].mean()
    best = scores.groupby(level="run").idxmax()
    table["score"] = [scores[row["run"], row[RATE]] for row in rows]
    ends = (table[RATE].min(), table[RATE].max())
    table["chosen"] = [
        (AT_END if row[RATE] in ends else CHOSEN)
        if best[row["run"]] == (row["run"], row[RATE])
        else ""
        for row in rows
    ]
    first, last = plan.seed_numbers[0], plan.seed_numbers[-1]
    with replacing(output) as temporary:
        header = (
            f"# snakemake --cores all tune_{plan.name} --config study={plan.study}\n"
            f"# {plan.settings.steps} steps, seeds {first} to {last}, on the validation split;"
            " chosen by the geometric mean of a run's headline metrics\n"
        )
        text = table[COLUMNS].to_csv(index=False, float_format="%.6g")
        temporary.write_text(header + text, encoding="utf-8")


def _measured(plan: Plan, folder: Path, run: str) -> Iterator[dict[str, Any]]:
    """A row per seed and task of a run at one rate."""
    for seed in plan.seed_numbers:
        own = folder / run / str(seed)
        origin.verified(own, ["metrics.json"])
        found = json.loads((own / "metrics.json").read_text(encoding="utf-8"))["val"]
        for task in plan.runs[run].tasks:
            metric = plan.replication.headline[task]
            measured = found.get(task, {}).get(metric)
            row = {"run": base_of(run), RATE: plan.settings_of(run).optimizer.lr, "seed": seed}
            row |= {"task": task, "metric": metric, "value": None, "log": -math.inf}
            if measured:
                size = math.log(max(abs(measured["value"]), _LEAST))
                row |= {"value": measured["value"]}
                row |= {"log": size if measured["higher_is_better"] else -size}
            yield row
