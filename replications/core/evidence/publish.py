"""Put a study's tables, figures and origins into `results/published`, where they are committed."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from replications.core.errors import run_command
from replications.core.files import write_json
from replications.core.layout import TABLES
from replications.core.spec import load_plan


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="results of the study")
    parser.add_argument("--replications", nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True, help="results/published")
    arguments = parser.parse_args()
    folder, output = arguments.folder, arguments.output
    new = output.with_name(f".{output.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(folder / "generated", new / "generated")
    for table in (*TABLES, "efficiency.csv"):
        shutil.copyfile(folder / table, new / table)
    rows = [
        row for name in arguments.replications for row in origins(arguments.study, name, folder)
    ]
    pd.DataFrame(rows).to_csv(new / "provenance.csv", index=False)
    write_json(
        new / "study.json", {"study": arguments.study, "replications": arguments.replications}
    )
    shutil.rmtree(output, ignore_errors=True)
    new.rename(output)


def origins(study: str, replication: str, folder: Path) -> Iterator[dict[str, object]]:
    """A row per run folder: seed, source, data, versions, hardware, command."""
    plan = load_plan(replication, study)
    for run in plan.runs:
        for seed in range(plan.seeds):
            path = folder / replication / run / str(seed) / "provenance.json"
            origin = json.loads(path.read_text(encoding="utf-8"))
            row = {key: origin[key] for key in ("replication", "study", "run", "role", "seed")}
            row |= {"source_hash": origin["source_hash"], "python": origin["python"]}
            row |= {f"data_{split}_md5": md5 for split, md5 in origin["data"]["md5"].items()}
            row |= origin["packages"]
            row |= {key: origin[key] for key in ("processor", "threads", "device")}
            yield row | {"command": " ".join(origin["command"])}


if __name__ == "__main__":
    run_command(main)
