"""Where results come from, as their folders say and as the study would have it.

A folder of results holds `provenance.json`, with what its files were made from (`origin`) and a
hash of each of them (`files`). Results whose origin is not the one the study asks for are made
anew, wherever they came from; results whose files are not those that were written are refused.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from replications.core.errors import StudyError
from replications.core.files import sha256_of, write_json
from replications.core.spec import closure
from replications.core.spec.layout import DESCRIPTION, MEASURED, ORIGIN
from replications.core.spec.options import DatasetOptions
from replications.core.spec.plan import Plan, digest

Origin = dict[str, Any]


def device_of(choice: str) -> str:
    """What `auto`, `cpu` or `cuda` comes to on this machine, `cpu` or `cuda`."""
    there = choice == "cuda" or shutil.which("nvidia-smi") is not None
    return "cuda" if choice != "cpu" and there else "cpu"


def of_run(plan: Plan, run: str, threads: int, device: str) -> Origin:
    """What a run is trained from, but for its data and its seed; `device`: `cpu` or `cuda`."""
    code = closure.of_training(plan, run)
    return {
        "trained_with": plan.run_fingerprint(run),
        "evaluated_at": plan.settings_of(run).conditions,
        "source": code.hash,
        "packages": code.versions,
        "threads": threads,
        "device": device,
    }


def of_preparation(data: DatasetOptions) -> Origin:
    """What a dataset is prepared from, but for its files."""
    code = closure.of_preparation(data)
    return {"variant": data.variant, "source": code.hash, "packages": code.versions}


def of_evidence(plan: Plan) -> Origin:
    """What the tables and figures of a replication are made from, but for its run folders."""
    return {"plan": plan.digest(), "source": closure.of_evidence(plan).hash}


def of_experiment(plan: Plan, experiment: str) -> Origin:
    """What an experiment is made from, but for the histories it reads."""
    code = closure.of_experiment(plan, experiment)
    return {
        "made_with": plan.experiment_fingerprint(experiment),
        "source": code.hash,
        "packages": code.versions,
    }


def of_data(description: Mapping[str, Any]) -> str:
    """Hash of the content of a prepared dataset, from its description."""
    return digest([description["arrays"], description["facts"]])


def read(path: Path) -> dict[str, Any]:
    """The content of a JSON file; empty where there is none or it cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def run_is_stale(folder: Path, expected: Origin, data: str) -> bool:
    """Whether a run folder is there and was made from something else than the study asks for, or
    lacks a file.

    `data`: `of_data` of the dataset as it is prepared, empty where it is not.
    """
    if not (folder / ORIGIN).is_file():
        return False
    found = read(folder / ORIGIN).get("origin", {})
    wanted = expected | ({"data": data} if data else {})
    whole = {path.name for path in folder.iterdir()} >= set(MEASURED)
    return not whole or any(found.get(key) != value for key, value in wanted.items())


def prepared_is_stale(folder: Path, expected: Origin) -> bool:
    """Whether a prepared dataset is there and was made otherwise, or lacks some of its arrays."""
    if not (folder / DESCRIPTION).is_file():
        return False
    description = read(folder / DESCRIPTION)
    whole = all(
        (path := folder / f"{split}.safetensors").is_file() and path.stat().st_size == size
        for split, size in description.get("bytes", {}).items()
    )
    return not whole or description.get("origin") != expected


def is_stale(folder: Path, expected: Origin) -> bool:
    """Whether a folder of results is there and was made from something else than expected."""
    path = folder / ORIGIN
    return path.is_file() and read(path).get("origin") != expected


def seal(folder: Path, files: Iterable[str], record: Mapping[str, Any]) -> None:
    """Write `provenance.json`: `record`, and the hash of each of the files beside it."""
    hashes = {file: sha256_of(folder / file) for file in files}
    write_json(folder / ORIGIN, {**record, "files": hashes})


def verified(folder: Path, files: Iterable[str] = MEASURED) -> dict[str, Any]:
    """What `provenance.json` says, once the files are those that it tells of.

    Raises:
        StudyError: it is missing, or one of them is missing or was altered.
    """
    record = read(folder / ORIGIN)
    if not record:
        raise StudyError(f"{folder / ORIGIN}: missing or damaged; delete {folder} and run again")
    for file in files:
        path = folder / file
        if not path.is_file() or sha256_of(path) != record.get("files", {}).get(file):
            raise StudyError(
                f"{path}: not what was written there: its hash is not the one in {ORIGIN}. "
                f"Delete {folder} and run again."
            )
    return record
