"""Turn the run folders of one replication into its tables: runs, costs, delta_m, claims."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from replications.core.errors import run_command
from replications.core.evidence.claims import claims_table, comparisons_table
from replications.core.evidence.delta_m import DELTA_KEY, as_metrics, delta_m_table
from replications.core.evidence.tidy import COSTS_KEY, RUNS_KEY, collect, write_table
from replications.core.evidence.transfer import overfitting_table, transfer_table
from replications.core.files import replacing
from replications.core.spec import load_plan


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replication", required=True)
    parser.add_argument("--study", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="holds <run>/<seed>/")
    arguments = parser.parse_args()
    plan = load_plan(arguments.replication, arguments.study)
    folder: Path = arguments.folder
    runs, costs = collect(plan, folder)
    write_table(runs, folder / "runs.csv", RUNS_KEY)
    write_table(costs, folder / "costs.csv", COSTS_KEY)
    delta = delta_m_table(plan, runs)
    write_table(delta, folder / "delta_m.csv", DELTA_KEY)
    compared = pd.concat([runs, as_metrics(delta)])
    # Empty where nothing was tested or one seed has no interval: tables with gaps by design.
    with_gaps = {
        "comparisons": comparisons_table(plan, compared),
        "claims": claims_table(plan, compared, folder),
        "transfer": transfer_table(plan, runs),
        "overfitting": overfitting_table(plan, runs),
    }
    for name, table in with_gaps.items():
        with replacing(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)


if __name__ == "__main__":
    run_command(main)
