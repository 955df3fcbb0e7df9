"""Put what a family's paper is made from, with its origins, where it is committed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from replications.core.files import replacing
from replications.core.spec import Plan, origin
from replications.core.spec.layout import ORIGIN


def publish(plans: Sequence[Plan], folder: Path, output: Path) -> None:
    """Replace `output` by the tables, figures and origins of the family in `folder`."""
    record = origin.verified(folder)
    files = list(record.pop("files"))
    new = output.with_name(f".{output.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    sources = {file: folder / file for file in files}
    for plan in plans:
        for experiment in plan.experiments:
            for file in ("table.csv", "numbers.json"):
                name = f"{plan.name}/{experiment}/{file}"
                sources[name] = folder.parent / name
    for file, source in sources.items():
        (new / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, new / file)
    rows = [row for plan in plans for row in origins(plan, folder.parent / plan.name)]
    with replacing(new / "provenance.csv") as temporary:
        pd.DataFrame(rows).astype({"seed": "Int64"}).to_csv(temporary, index=False)
    origin.seal(new, [*sources, "provenance.csv"], record)
    shutil.rmtree(output, ignore_errors=True)
    new.rename(output)


def origins(plan: Plan, folder: Path) -> Iterator[dict[str, object]]:
    """A row per run folder and experiment: seed, source, data, versions, hardware, command."""
    runs = [f"{run}/{seed}" for run in plan.runs for seed in plan.seed_numbers]
    for name in (*runs, *plan.experiments):
        record = origin.read(folder / name / ORIGIN)
        row = {key: record[key] for key in ("replication", "study", "run")}
        row |= {"role": record.get("role", "experiment"), "seed": record.get("seed")}
        row |= {"source_hash": record["source_hash"], "python": record["python"]}
        data = record.get("data", {"md5": {}})["md5"]
        row |= {f"data_{split}_md5": md5 for split, md5 in data.items()}
        row |= record["origin"]["packages"]
        row |= {key: record[key] for key in ("processor", "threads", "device")}
        yield row | {"command": " ".join(record["command"])}
