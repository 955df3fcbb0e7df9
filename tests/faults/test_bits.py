"""A flipped bit, wherever it is: what it is in is refused by name, or says the same as before."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from conftest import ROOT
from replications.core.data.batches import read_description, read_split
from replications.core.data.streets.options import StreetsOptions
from replications.core.engine.assembly import build_decoding
from replications.core.errors import StudyError
from replications.core.evidence.archive import unpack
from replications.core.evidence.study import load_results
from replications.core.spec import origin
from replications.core.spec.layout import DESCRIPTION, ORIGIN
from tests.faults.counted import tried

PUBLISHED = "uncertainty"


@contextmanager
def flipped(path: Path, draw: random.Random) -> Iterator[None]:
    """One bit of a file, put back afterwards."""
    before = path.read_bytes()
    content = bytearray(before)
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def unnoticed(
    kind: str, files: Sequence[Path], read: Callable[[Path], Any], same: Callable[[Any, Any], bool]
) -> list[str]:
    """The flips after which a file's folder is read, and is not what it was."""
    found = []
    for number in tried(kind, few=12):
        draw = random.Random(number)
        path = files[number % len(files)]
        whole = read(path.parent)
        with flipped(path, draw):
            try:
                after = read(path.parent)
            except StudyError as error:
                if path.parent.name not in str(error):
                    found.append(f"{number}, {path}: does not say where: {error}")
            else:
                if not same(whole, after):
                    found.append(f"{number}, {path}: unnoticed")
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published run folders."""
    folder = tmp_path_factory.mktemp("results") / PUBLISHED
    unpack(ROOT / "results" / "published" / PUBLISHED, folder)
    return folder


def test_in_a_run_folder(runs: Path) -> None:
    folder = next(path.parent for path in sorted(runs.rglob("examples.npz")))
    kept = sorted(origin.read(folder / ORIGIN)["files"])
    files = [folder / name for name in kept if (folder / name).is_file()]

    def read(place: Path) -> dict[str, Any]:
        return origin.verified(place, [file.name for file in files])

    assert len(files) > 3
    assert not unnoticed("run folders", files, read, lambda one, other: one == other)


def test_in_published_results(tmp_path: Path) -> None:
    folder = tmp_path / "published" / PUBLISHED
    shutil.copytree(ROOT / "results" / "published" / PUBLISHED, folder)
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name != ORIGIN]
    results = load_results(folder)
    assert len(results.runs) > 100
    assert not unnoticed("published results", files, load_results, lambda *_: False)


def test_in_prepared_arrays(prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / prepared.name
    shutil.copytree(prepared, folder)
    decoding = build_decoding(StreetsOptions(size=(32, 64)))
    labels = sorted(set(read_description(folder).arrays["val"]) - set(decoding.inputs))

    def read(place: Path) -> list[np.ndarray[Any, Any]]:
        split = read_split(place, "val", labels, torch.device("cpu"), decoding)
        return [values.numpy() for values in (*split.inputs.values(), *split.labels.values())]

    def same(one: list[Any], other: list[Any]) -> bool:
        return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))

    files = [folder / "val.safetensors", folder / DESCRIPTION]
    assert not unnoticed("prepared arrays", files, read, same)
