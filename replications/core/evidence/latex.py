"""Write what the paper inputs of one replication: its results table, its numbers and
its chapter of the supplement."""

from __future__ import annotations

import argparse
from pathlib import Path

from replications.core.errors import run_command
from replications.core.evidence.numbers import definitions, numbers
from replications.core.evidence.study import load_results
from replications.core.evidence.supplement import chapter
from replications.core.evidence.tables import results_table
from replications.core.files import write_text


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replication", required=True)
    parser.add_argument("--study", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="holds the CSV tables")
    arguments = parser.parse_args()
    results = load_results(arguments.replication, arguments.study, arguments.folder)
    write_text(arguments.folder / "table_results.tex", results_table(results))
    write_text(arguments.folder / "numbers.tex", definitions(numbers(results)))
    write_text(arguments.folder / "supplement.tex", chapter(results))


if __name__ == "__main__":
    run_command(main)
