"""Lay out a replication that trains: a folder under replications/, to be made into a paper's."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

_TEMPLATE = Path(__file__).resolve().parents[1] / "template"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the folder, such as my_system")
    parser.add_argument("--replications", type=Path, default=Path("replications"))
    arguments = parser.parse_args()
    try:
        folder = laid_out(arguments.name, arguments.replications)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        f"{folder} is there and trains: snakemake --cores all {arguments.name} --config study=micro"
        "\nNext: its README.md, replication.yaml, options.py and model.py."
    )
    return 0


def laid_out(name: str, replications: Path) -> Path:
    """The new folder.

    Raises:
        ValueError: the name cannot be that of a module, or is taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"'{name}' is no name of a module: small letters, digits and _")
    folder = replications / name
    if folder.exists():
        raise ValueError(f"{folder} is there already")
    shutil.copytree(_TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8").replace("NAME", name)
        # LaTeX would take a _ for an index.
        path.write_text(text.replace("TITLE", name.replace("_", " ")), encoding="utf-8")
    return folder


if __name__ == "__main__":
    sys.exit(main())
