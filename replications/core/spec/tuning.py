"""Learning rates chosen on validation, as a replication's `tuning.csv` records them; free of torch.

The study `tuning` trains every run at every rate of one grid, on seeds that no other study reports.
The file has each value that was measured, and a study with `tuned: true` takes the rates from it.
Rates for other data or networks are chosen by studies whose names begin with `tuning_`; each is
recorded in a file of its name.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from pathlib import Path

from replications.core.errors import StudyError
from replications.core.spec.reading import shown

TUNING = "tuning"
"""The study by which rates are chosen, and the name of the file that records it."""


def tuning_study(tuned: bool | str) -> str:
    """The study that chose the rates of one which is `tuned`."""
    return TUNING if tuned is True else str(tuned)


def chooses(study: str) -> bool:
    """Whether a study chooses rates."""
    return study.partition("_")[0] == TUNING


RATE = "optimizer.lr"
CHOSEN, AT_END = "yes", "yes, at an end of the grid"
"""What the file says of the rate that was chosen; one at an end might be better beyond it."""
COLUMNS = ["run", RATE, "seed", "task", "metric", "value", "score", "chosen"]


def rates(path: Path, runs: Iterable[str], grid: Collection[float]) -> dict[str, float]:
    """The learning rate chosen for each of `runs`.

    Raises:
        StudyError: the file is missing, does not have one of them, or was chosen from another grid;
            says what makes it.
    """
    if not path.is_file():
        raise StudyError(f"{shown(path)}: missing; {_command(path)} chooses learning rates")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    chosen = {row["run"]: float(row[RATE]) for row in rows if row["chosen"] in (CHOSEN, AT_END)}
    if lacking := [run for run in runs if run not in chosen]:
        raise StudyError(
            f"{shown(path)}: no learning rate for {', '.join(lacking)}; add them to the runs of "
            f"study '{path.stem}' and choose again: {_command(path)}"
        )
    tried = {float(row[RATE]) for row in rows}
    if tried != set(grid):
        raise StudyError(
            f"{shown(path)}: chosen from {_listed(tried)}, study '{path.stem}' has "
            f"{_listed(grid)}; delete the file and choose again: {_command(path)}"
        )
    return {run: chosen[run] for run in runs}


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in sorted(values))


def _command(path: Path) -> str:
    return f"snakemake --cores all tune_{path.parent.name} --config study={path.stem}"
