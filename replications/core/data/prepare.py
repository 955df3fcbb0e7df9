"""Decode a dataset once, check it once, and write arrays that training maps into memory.

One safetensors file per split, and `dataset.json`, which describes them and has a hash of every
array. What is there already stays until all of the new is written. Arrays are written a few samples
at a time, so that those which are not in memory, see `Samples`, never have to be.

    python -m replications.core.data.prepare --dataset '{"name": "streets", "size": [64, 128]}' \
        --output data/prepared/streets-64x128
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import yaml

from replications.core.data.labels import Array
from replications.core.errors import StudyError, run_command
from replications.core.files import md5_of, write_json
from replications.core.spec.layout import DESCRIPTION
from replications.core.spec.options import DatasetOptions, chosen
from replications.core.spec.origin import of_preparation

_AT_ONCE = 64
"""Samples that are written together."""
_TYPES = {"bool": "BOOL", "uint8": "U8", "int8": "I8", "int16": "I16", "uint16": "U16"}
_TYPES |= {"int32": "I32", "int64": "I64", "float32": "F32", "float64": "F64"}
"""What safetensors calls the types of numpy."""


class Samples(Protocol):
    """As much of an array as writing it takes; the first axis is that of the samples."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> Any: ...

    def __getitem__(self, samples: slice, /) -> Array: ...


@dataclass(frozen=True)
class Prepared:
    """A dataset as its `preparation` hands it over.

    Attributes:
        splits: (name, arrays by name), one after the other.
        md5: of what it was made from, by name.
        facts: what tasks, figures and papers want to know; complete once the splits are through.
    """

    splits: Iterable[tuple[str, Mapping[str, Samples]]]
    md5: dict[str, str]
    facts: dict[str, Any]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, help="its options, as JSON")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()
    try:
        options = chosen(DatasetOptions, json.loads(arguments.dataset))
    except ValueError as error:
        raise StudyError(f"--dataset: {error}") from None
    write(options, options.load(options.preparation)(options), arguments.output)


def write(options: DatasetOptions, prepared: Prepared, output: Path) -> None:
    """Write `<split>.safetensors` and, last, `dataset.json` into `output`."""
    output.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, dict[str, Any]] = {}
    counts, sizes, written = {}, {}, []
    try:
        for split, found in prepared.splits:
            written.append((output / f".{split}.part", output / f"{split}.safetensors"))
            hashes = save(found, written[-1][0])
            arrays[split] = {
                name: {"shape": list(values.shape[1:]), "sha256": hashes[name]}
                for name, values in found.items()
            }
            counts[split] = next(iter(found.values())).shape[0]
            sizes[split] = written[-1][0].stat().st_size
            print(f"{split}: {counts[split]} samples ({options.variant}), checked", flush=True)
        for temporary, path in written:
            temporary.replace(path)
    finally:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)
    description = {"name": options.name, "variant": options.variant, "splits": counts}
    description |= {"md5": prepared.md5, "facts": prepared.facts, "arrays": arrays}
    description |= {"bytes": sizes, "origin": of_preparation(options)}
    write_json(output / DESCRIPTION, description)


def save(arrays: Mapping[str, Samples], path: Path) -> dict[str, str]:
    """Write arrays as a file of safetensors, a few samples at a time; SHA-256 of each of them.

    The format: 8 bytes with the length of a header, the header, which is JSON and says where in
    the rest an array lies, and the arrays, those of larger numbers first.
    """
    order = sorted(arrays, key=lambda name: (-np.dtype(arrays[name].dtype).itemsize, name))
    entries, end = {}, 0
    for name in order:
        values = arrays[name]
        begin, end = end, end + np.dtype(values.dtype).itemsize * math.prod(values.shape)
        kind = _TYPES[np.dtype(values.dtype).name]
        entries[name] = {"dtype": kind, "shape": values.shape, "data_offsets": [begin, end]}
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    hashes = {}
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for name in order:
            digest = hashlib.sha256()
            for start in range(0, arrays[name].shape[0], _AT_ONCE):
                content = arrays[name][start : start + _AT_ONCE].tobytes()
                file.write(content)
                digest.update(content)
            hashes[name] = digest.hexdigest()
    return hashes


def tracked_md5(path: Path, record: Path) -> str:
    """MD5 of a file, which must be the one that the DVC file `record` has of it, if it has one:
    of some nobody published it.

    Raises:
        StudyError: the file is missing, altered or not tracked.
    """
    if not path.is_file():
        raise StudyError(f"{path}: missing; restore it with: dvc pull {path}")
    entries = yaml.safe_load(record.read_text(encoding="utf-8"))["outs"]
    expected = {entry["path"]: entry.get("md5") for entry in entries}
    name = path.resolve().relative_to(record.resolve().parent).as_posix()
    if name not in expected:
        raise StudyError(f"{record}: no entry for {name}; it has: {', '.join(expected)}")
    found = md5_of(path)
    if expected[name] not in (None, found):
        raise StudyError(
            f"{path}: MD5 is {found}, {record.name} says {expected[name]}: the file was "
            f"altered or cut short. Delete it and run again; DVC then restores it."
        )
    return found


if __name__ == "__main__":
    run_command(main)
