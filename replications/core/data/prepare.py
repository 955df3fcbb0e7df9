"""Decode a dataset once, check it once, and write arrays that training maps into memory.

One safetensors file per split and `dataset.json`, which describes them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors.numpy import save_file

from replications.core.data import streets
from replications.core.data.labels import Array, Frame
from replications.core.errors import StudyError, run_command
from replications.core.files import md5_of, replacing, write_json


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True, help="folder of the archives")
    parser.add_argument("--dvc-file", type=Path, required=True, help="DVC's record of them")
    parser.add_argument("--size", type=int, nargs=2, required=True, metavar=("H", "W"))
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()
    prepare(arguments.source, arguments.dvc_file, tuple(arguments.size), arguments.output)


def prepare(source: Path, dvc_file: Path, size: tuple[int, int], output: Path) -> None:
    """Write `train|val|test.safetensors` and `dataset.json` into `output`.

    Arguments:
        source: folder with one archive per split.
        dvc_file: the DVC file that tracks the archives; their MD5 must agree with it.
        size: (H, W) to reduce to; must divide the dataset's own size by the same whole number.

    Raises:
        StudyError: an archive is missing, altered, truncated or holds an invalid frame.
    """
    factor = _factor(size)
    hashes = {split: _verified_md5(source / f"{split}.tar", dvc_file) for split in streets.SPLITS}
    for split in streets.SPLITS:
        frames = [reduced(frame, factor) for frame in streets.read_split(source / f"{split}.tar")]
        with replacing(output / f"{split}.safetensors") as temporary:
            save_file(stacked(frames), temporary)
        print(f"{split}: {len(frames)} frames of {size[0]}x{size[1]}, checked", flush=True)
    write_json(
        output / "dataset.json",
        {
            "name": "streets",
            "size": list(size),
            "native_size": list(streets.SIZE),
            "splits": streets.SPLITS,
            "classes": list(streets.CLASSES),
            "colours": [list(colour) for colour in streets.COLOURS],
            "things": list(streets.THINGS),
            "scenes": list(streets.SCENES),
            "box_classes": list(streets.BOX_CLASSES),
            "focal": streets.FOCAL / factor,
            "md5": hashes,
        },
    )


def _factor(size: tuple[int, int]) -> int:
    height, width = streets.SIZE
    factor = height // size[0]
    if factor == 0 or (size[0] * factor, size[1] * factor) != streets.SIZE:
        allowed = ", ".join(f"{height // k}x{width // k}" for k in (1, 2, 4, 8))
        raise StudyError(f"size {size[0]}x{size[1]} does not divide Streets; use one of {allowed}")
    return factor


def _verified_md5(archive: Path, dvc_file: Path) -> str:
    """MD5 of the archive, which must be the one DVC recorded."""
    if not archive.is_file():
        raise StudyError(f"{archive}: missing; restore it with: dvc pull {archive}")
    record = yaml.safe_load(dvc_file.read_text(encoding="utf-8"))
    expected = {out["path"]: out["md5"] for out in record["outs"]}
    name = archive.resolve().relative_to(dvc_file.resolve().parent).as_posix()
    if name not in expected:
        raise StudyError(f"{dvc_file}: no entry for {name}; it has: {', '.join(expected)}")
    found = md5_of(archive)
    if found != expected[name]:
        raise StudyError(
            f"{archive}: MD5 is {found}, {dvc_file.name} says {expected[name]}: the file was "
            f"altered or cut short. Delete it and run again; DVC then restores it."
        )
    return found


def reduced(frame: Frame, factor: int) -> Frame:
    """The frame at 1/`factor` of its size: image averaged, labels of the centre pixel kept."""
    if factor == 1:
        return frame
    _, height, width = frame.image.shape
    blocks = frame.image.reshape(3, height // factor, factor, width // factor, factor)
    mean = blocks.astype(np.float32).mean(axis=(2, 4))
    pick = np.s_[..., factor // 2 :: factor, factor // 2 :: factor]
    boxes = frame.boxes.copy()
    boxes[:, [0, 1, 2, 3, 7]] /= factor
    return Frame(
        key=frame.key,
        image=np.rint(mean).astype(np.uint8),
        semseg=frame.semseg[pick],
        instances=frame.instances[pick],
        depth=frame.depth[pick],
        normals=frame.normals[pick],
        boxes=boxes,
        scene=frame.scene,
    )


def stacked(frames: list[Frame]) -> dict[str, Array]:
    """Arrays over frames; boxes padded with rows of -1."""
    names = ("image", "semseg", "instances", "depth", "normals")
    # np.stack keeps the memory order of transposed images; safetensors writes memory as it lies.
    arrays: dict[str, Any] = {
        name: np.ascontiguousarray(np.stack([getattr(frame, name) for frame in frames]))
        for name in names
    }
    most = max(len(frame.boxes) for frame in frames)
    boxes = np.full((len(frames), most, 8), -1, np.float32)
    for row, frame in zip(boxes, frames, strict=True):
        row[: len(frame.boxes)] = frame.boxes
    arrays["boxes"] = boxes
    arrays["scene"] = np.array([frame.scene for frame in frames], np.int64)
    arrays["instances"] = arrays["instances"].astype(np.int16)
    return arrays


if __name__ == "__main__":
    run_command(main)
