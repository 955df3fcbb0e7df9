"""What lies behind published results, in one file: the folders of runs, experiments and floors.

From there a study goes on where it was published: a run is trained again, or more are added, and
all others need not be.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from replications.core.data.archives import refuse_harmful
from replications.core.errors import StudyError
from replications.core.files import replacing
from replications.core.spec import Plan, origin
from replications.core.spec.layout import FLOOR, ORIGIN, run_folder

ARCHIVE = "runs.tar.xz"


def pack(plan: Plan, folder: Path, path: Path) -> None:
    """Write the folders behind the results of a replication in `folder`: those of its own runs, its
    experiments and its floors.

    Trained weights stay behind, and predictions that no figure draws: nothing that is published is
    made from them, and they are most of the bytes. So do samples that may not be passed on.

    Raises:
        StudyError: a folder is incomplete or was altered.
    """
    own = [run for run, spec in plan.runs.items() if not spec.of]
    places = [run_folder(folder, plan, run, seed) for run in own for seed in plan.seed_numbers]
    places += [folder / name for name in plan.experiments]
    places += [] if plan.lender else [folder / FLOOR]
    content: dict[str, bytes] = {}
    for place in places:
        record = origin.verified(place)
        kept = {file: _kept(place / file, plan.data.redistributable) for file in record["files"]}
        whole = {file: data for file, data in kept.items() if data is not None}
        hashes = {file: hashlib.sha256(data).hexdigest() for file, data in whole.items()}
        record |= {"files": hashes}
        name = place.relative_to(folder).as_posix()
        content |= {f"{name}/{file}": data for file, data in whole.items()}
        content[f"{name}/{ORIGIN}"] = json.dumps(record, ensure_ascii=False).encode()
    with replacing(path) as temporary, tarfile.open(temporary, "w:xz", preset=9) as archive:
        # Files of one kind beside each other, which halves the size.
        for name in sorted(content, key=lambda name: (name.rpartition("/")[2], name)):
            member = tarfile.TarInfo(name)
            member.size = len(content[name])
            archive.addfile(member, io.BytesIO(content[name]))


def _kept(path: Path, redistributable: bool) -> bytes | None:
    """What tables and figures are made from of a file of a run folder; None: nothing. Of the
    examples of the first seed all, if samples may be passed on, of those of others what the learner
    has found out."""
    first = path.parent.name == "0" and "@" not in path.parent.parent.name
    if path.name != "examples.npz" or (first and redistributable):
        return None if path.name == "model.pt" else path.read_bytes()
    with np.load(path) as arrays:
        learned = {name: arrays[name] for name in arrays.files if name.startswith("learned_")}
    if not learned:
        return None
    file = io.BytesIO()
    np.savez_compressed(file, **learned)
    return file.getvalue()


def restore(plans: Sequence[Plan], published: Path, folder: Path) -> None:
    """Put the folders behind published results where a study has them, `folder`, but for those that
    it has already; and say how many.

    Raises:
        StudyError: none of the replications is published from the study, or an archive was altered.
    """
    records = {plan.name: origin.read(published / plan.name / ORIGIN) for plan in plans}
    found = [
        plan
        for plan in plans
        if records[plan.name].get("study") == plan.study and ARCHIVE in records[plan.name]["files"]
    ]
    if not found:
        there = [
            f"{name} ({record['study']}{'' if ARCHIVE in record['files'] else ', without runs'})"
            for name, record in records.items()
            if record
        ]
        raise StudyError(
            f"{published}: has no runs of study {plans[0].study}. Published are, each with its "
            f"study: {', '.join(there) or 'none'}; another one is asked for with --config study=..."
        )
    for plan in found:
        restored = unpack(published / plan.name, folder / plan.name)
        print(f"{folder / plan.name}: {restored} folders restored", flush=True)


def unpack(published: Path, folder: Path) -> int:
    """Put the folders in the archive of published results into `folder`, but for those that are
    there; how many."""
    origin.verified(published, [ARCHIVE])
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    with tarfile.open(published / ARCHIVE) as archive:
        # Not all at once: the filter that makes it safe is younger than Debian's Python 3.11.
        for member in archive:
            refuse_harmful(published / ARCHIVE, member.name, plain=member.isfile())
            content = archive.extractfile(member)
            assert content
            place = new / member.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.read())
    places = [path.parent for path in sorted(new.rglob(ORIGIN))]
    # Later than the data, or they would be made anew, and none later than what it is needed by.
    now = time.time()
    missing = [p for p in places if not (folder / p.relative_to(new) / ORIGIN).is_file()]
    for place in missing:
        origin.verified(place)
        for file in place.iterdir():
            os.utime(file, (now, now))
        target = folder / place.relative_to(new)
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        place.rename(target)
    shutil.rmtree(new)
    return len(missing)
