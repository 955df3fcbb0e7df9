"""The results of a study, or the published ones, as one page.

python -m replications.core.page --sources results/S --replications R ... --output INDEX.html
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import tempfile
from pathlib import Path

from replications.core.errors import run_command
from replications.core.evidence.archive import ARCHIVE, unpack
from replications.core.evidence.study import Results, load_results
from replications.core.page.render import write_page


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="page", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="where their folders lie")
    parser.add_argument("--replications", nargs="+", required=True)
    parser.add_argument("--papers", type=Path, nargs="*", default=[], help="PDFs to link to")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = [
            with_runs(load_results(arguments.sources / name), Path(folder))
            for name in arguments.replications
        ]
        write_page(results, arguments.output, arguments.papers)


def with_runs(results: Results, folder: Path) -> Results:
    """The results with the run folders behind them, which are in `folder` where they are published
    in an archive."""
    if not (results.folder / ARCHIVE).is_file():
        return results
    place = folder / results.plan.name
    unpack(results.folder, place)
    shutil.copyfile(results.folder / "provenance.csv", place / "provenance.csv")
    return dataclasses.replace(results, folder=place)


if __name__ == "__main__":
    run_command(main)
