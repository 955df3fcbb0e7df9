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
from replications.core.layout import TABLES, for_paper
from replications.core.spec import Plan, load_plan


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
    plans = [load_plan(name, arguments.study) for name in arguments.replications]
    measured = [
        f"{plan.name}/{experiment}/{file}"
        for plan in plans
        for experiment in plan.experiments
        for file in ("table.csv", "numbers.json")
    ]
    generated = [f"generated/{file}" for file in for_paper(plans)]
    for file in (*generated, *TABLES, "efficiency.csv", *measured):
        (new / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, new / file)
    rows = [row for plan in plans for row in origins(plan, folder / plan.name)]
    pd.DataFrame(rows).astype({"seed": "Int64"}).to_csv(new / "provenance.csv", index=False)
    write_json(
        new / "study.json", {"study": arguments.study, "replications": arguments.replications}
    )
    shutil.rmtree(output, ignore_errors=True)
    new.rename(output)


def origins(plan: Plan, folder: Path) -> Iterator[dict[str, object]]:
    """A row per run folder and experiment: seed, source, data, versions, hardware, command."""
    runs = [f"{run}/{seed}" for run in plan.runs for seed in range(plan.seeds)]
    for name in (*runs, *plan.experiments):
        path = folder / name / "provenance.json"
        origin = json.loads(path.read_text(encoding="utf-8"))
        row = {key: origin[key] for key in ("replication", "study", "run")}
        row |= {"role": origin.get("role", "experiment"), "seed": origin.get("seed")}
        row |= {"source_hash": origin["source_hash"], "python": origin["python"]}
        data = origin.get("data", {"md5": {}})["md5"]
        row |= {f"data_{split}_md5": md5 for split, md5 in data.items()}
        row |= origin["packages"]
        row |= {key: origin[key] for key in ("processor", "threads", "device")}
        yield row | {"command": " ".join(origin["command"])}


if __name__ == "__main__":
    run_command(main)
