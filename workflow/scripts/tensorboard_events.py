"""The histories of a study's trainings as event files: tensorboard --logdir FOLDER shows them.

A folder per replication, run and seed; a curve per column of `history.csv`.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
from pathlib import Path

from tensorboard.summary import Writer

_MARK = ".events"
"""A file in a folder of events, which may be made anew."""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results of a study, such as results/quick")
    parser.add_argument("--output", type=Path, help="default: results/<study>/tensorboard")
    arguments = parser.parse_args()
    output = arguments.output or arguments.results / "tensorboard"
    try:
        count = write_events(arguments.results, output)
    except FileExistsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if not count:
        print(f"error: {arguments.results} has no trainings", file=sys.stderr)
        return 1
    print(f"{count} trainings; look at them with: tensorboard --logdir {output}")
    return 0


def write_events(results: Path, output: Path) -> int:
    """Write the histories in a folder of results anew; how many there were."""
    if output.exists():
        if not (output / _MARK).is_file():
            raise FileExistsError(f"{output} is there and not of this making; name another folder")
        shutil.rmtree(output)
    output.mkdir(parents=True)
    (output / _MARK).touch()
    histories = sorted(results.glob("*/*/*/history.csv"))
    for path in histories:
        writer = Writer(str(output / path.parent.relative_to(results)))
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                step = int(float(row.pop("step")))
                for name, value in row.items():
                    if value:
                        writer.add_scalar(name, float(value), step)
        writer.close()
    return len(histories)


if __name__ == "__main__":
    sys.exit(main())
