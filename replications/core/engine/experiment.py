"""The command line of an experiment, and what every experiment leaves.

An experiment measures something beside the runs: `python -m replications.<replication>.<experiment>
--study S --folder results/S/<replication>`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from replications.core.errors import run_command
from replications.core.files import write_json, write_text
from replications.core.spec import Plan, load_plan, origin
from replications.core.spec.layout import EXPERIMENT_FILES

if TYPE_CHECKING:
    import torch

Measured = tuple[pd.DataFrame, Mapping[str, float]]
"""The table an experiment leaves, and the numbers that claims and the paper take from it."""


def run_experiment(
    replication: str,
    experiment: str,
    measure: Callable[[Plan, Path, torch.device], Measured],
    device: str = "cpu",
) -> None:
    """Measure, from the plan and the folder of the replication's results, and write the files."""

    def command() -> None:
        # Only here: figures import what experiments define, and import no torch.
        from replications.core.engine.devices import training_device
        from replications.core.engine.provenance import record

        parser = argparse.ArgumentParser(description=f"{experiment}, of {replication}")
        parser.add_argument("--study", required=True)
        parser.add_argument("--folder", type=Path, required=True, help="results of the replication")
        arguments = parser.parse_args()
        plan = load_plan(replication, arguments.study)
        with training_device(device, threads=1) as chosen:
            table, numbers = measure(plan, arguments.folder, chosen)
            made_from = origin.of_experiment(plan, experiment)
            definition = plan.experiments[experiment].model_dump(mode="json")
            own = record(plan, experiment, made_from, chosen) | {"definition": definition}
        folder = arguments.folder / experiment
        write_text(folder / "table.csv", table.to_csv(index=False))
        write_json(folder / "numbers.json", dict(numbers))
        origin.seal(folder, EXPERIMENT_FILES[:-1], own)

    run_command(command)
