"""Where results come from, as their folders say and as the study would have it.

A folder of results holds `provenance.json`, with what its files were made from (`origin`) and a
hash of each of them (`files`). Results whose origin is not the one the study asks for are made
anew, wherever they came from; results whose files are not those that were written are refused.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from replications.core.errors import StudyError
from replications.core.files import sha256_of, write_json
from replications.core.spec import closure
from replications.core.spec.layout import DESCRIPTION, ORIGIN, floor_folder, run_folder
from replications.core.spec.loading import load_plan, replication_names, tested_elsewhere
from replications.core.spec.options import DatasetOptions
from replications.core.spec.plan import Plan, digest

Origin = dict[str, Any]


def device_of(choice: str) -> str:
    """What `auto`, `cpu` or `cuda` comes to on this machine, `cpu` or `cuda`."""
    return "cuda" if choice == "cuda" or (choice == "auto" and _cuda_is_usable()) else "cpu"


@functools.cache
def _cuda_is_usable() -> bool:
    """Whether torch will find a CUDA device: asked of the driver, since importing torch takes
    seconds."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        torch = importlib.util.find_spec("torch")
        text = Path(torch.origin or "").with_name("version.py").read_text() if torch else ""
    except OSError:
        return False
    count, newest = ctypes.c_int(), ctypes.c_int()
    failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    driver.cuDriverGetVersion(ctypes.byref(newest))
    built_for = re.search(r"(?m)^cuda.*= '(\d+)", text)
    return bool(
        not failed and count.value and built_for and newest.value >= 1000 * int(built_for[1])
    )


def of_run(plan: Plan, run: str, threads: int, device: str) -> Origin:
    """What a run is trained from, but for its data and its seed; `device`: `cpu` or `cuda`."""
    return {
        "run": f"{plan.study}/{plan.owner(run).name}/{run}",
        "trained_with": plan.run_fingerprint(run),
        "evaluated_at": plan.settings_of(run).conditions,
        "threads": threads,
        "device": device,
        **closure.of_training(plan, run).origin,
    }


def of_needed(plan: Plan, run: str, folder: Path) -> Origin:
    """What a run folder must have been made from besides: the weights of the runs it needs, which
    lie beside it, as far as they are there."""
    found = {}
    for role, needed in plan.runs[run].needs.items():
        record = read(run_folder(folder.parents[1], plan, needed, folder.name) / ORIGIN)
        found[role] = record.get("files", {}).get("model.pt")
    return {"needs": found} if found and all(found.values()) else {}


def of_preparation(data: DatasetOptions) -> Origin:
    """What a dataset is prepared from, but for its files."""
    return {"variant": data.variant, **closure.of_preparation(data).origin}


def of_evidence(plan: Plan, folder: Path) -> Origin:
    """What the tables and figures of a replication are made from; its run folders and experiments
    lie in `folder`."""
    made = [run_folder(folder, plan, run, seed) for run in plan.runs for seed in plan.seed_numbers]
    made += [floor_folder(folder, plan), *(folder / name for name in plan.experiments)]
    return {
        "plan": plan.digest(),
        "results": digest([read(place / ORIGIN).get("files") for place in made]),
        "tested_elsewhere": tested_elsewhere(plan.replication.paper, plan.name),
        **({"tuning": sha256_of(plan.tuning)} if plan.tuning else {}),
        **closure.of_evidence(plan).origin,
    }


def of_joined(replications: Mapping[str, Any]) -> Origin:
    """What the results of a family are made from, of the origin of each replication's."""
    found = {"replications": list(replications), "joined_with": closure.of_join().origin}
    return {**replications, **found}


def of_experiment(plan: Plan, experiment: str) -> Origin:
    """What an experiment is made from, but for the histories it reads."""
    made_with = plan.experiment_fingerprint(experiment)
    return {"made_with": made_with, **closure.of_experiment(plan, experiment).origin}


def of_floor(plan: Plan) -> Origin:
    """What the floors of a replication are made from, but for the data."""
    return {"made_with": plan.floor_fingerprint(), **closure.of_floor(plan).origin}


def of_data(description: Mapping[str, Any]) -> str:
    """Hash of the content of a prepared dataset, from its description."""
    return digest([description["arrays"], description["facts"]])


def read(path: Path) -> dict[str, Any]:
    """The content of a JSON file; empty where there is none or it cannot be read."""
    try:
        stat = path.stat()
        return dict(_parsed(path, stat.st_mtime_ns, stat.st_size))  # its own, to change
    except (OSError, ValueError):
        return {}


@functools.cache
def _parsed(path: Path, changed: int, size: int) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}


def published_plans(folder: Path) -> dict[str, Plan]:
    """The plans of the replications that are published in a folder, each in its own study."""
    names = [name for name in replication_names() if (folder / name / ORIGIN).is_file()]
    plans = {}
    for name in names:
        study = read(folder / name / ORIGIN).get("study", "")
        try:
            plans[name] = load_plan(name, study)
        except StudyError as error:
            raise StudyError(f"{folder / name}, published of study '{study}': {error}") from None
    return plans


def is_stale(folder: Path, expected: Origin) -> bool:
    """Whether a folder of results is there and was made from something else than expected, or lacks
    one of its files."""
    if not (folder / ORIGIN).is_file():
        return False
    record = read(folder / ORIGIN)
    found = record.get("origin") or {}
    return any(found.get(key) != value for key, value in expected.items()) or not all(
        (folder / file).is_file() for file in record.get("files", {})
    )


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


def seal(folder: Path, files: Iterable[str], record: Mapping[str, Any]) -> None:
    """Write `provenance.json`: `record`, and the hash of each of the files beside it."""
    hashes = {file: sha256_of(folder / file) for file in files}
    write_json(folder / ORIGIN, {**record, "files": hashes})


def verified(folder: Path, files: Iterable[str] | None = None) -> dict[str, Any]:
    """What `provenance.json` says, once the files are those that it tells of; none given: all.

    Raises:
        StudyError: it is missing, or one of them is missing or was altered.
    """
    record = read(folder / ORIGIN)
    if "files" not in record:
        raise StudyError(f"{folder / ORIGIN}: missing or damaged. {_cure(folder)}")
    for file in record["files"] if files is None else files:
        path = folder / file
        if file not in record["files"]:
            raise StudyError(
                f"{path}: left out of what was published and restored. Delete {folder.parent}, and "
                "any other restored run whose weights are needed, and run again: they are trained"
            )
        if not path.is_file() or sha256_of(path) != record["files"][file]:
            raise StudyError(
                f"{path}: not what was written there: its hash is not the one in {ORIGIN}. "
                f"{_cure(folder)}"
            )
    return record


def _cure(folder: Path) -> str:
    if folder.parent.name == "published":
        return f"Restore it with: git checkout {folder}"
    return f"Delete {folder / ORIGIN} and run again, which makes it anew."
