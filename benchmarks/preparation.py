"""How fast a dataset of photographs is prepared, and in how much memory.

Usage: python -m benchmarks.preparation [--frames 1449] [--size 288 384]

The file is laid out as NYUv2's and as large, of noise in a temporary folder; what is timed is what
the workflow does with the genuine one: reading, normals, fitting to a size, writing, hashing.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from scipy.io import savemat

from replications.core.data import prepare
from replications.core.data.labels import Array
from replications.core.data.nyuv2.options import NYUv2Options
from replications.core.data.nyuv2.preparation import prepare as prepare_nyuv2
from replications.core.data.nyuv2.reader import SIZE

_DIFFERENT = 16


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1449)
    parser.add_argument("--size", type=int, nargs=2, default=[288, 384])
    own = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        lay_out(Path("data/nyuv2"), own.frames)
        options = NYUv2Options(size=own.size)
        began = time.perf_counter()
        prepare.write(options, prepare_nyuv2(options), Path("prepared"))
        seconds = time.perf_counter() - began
    most = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print("| frames | size | cores | seconds | frames/s | peak memory of a process |")
    print("|---" * 6 + "|")
    print(
        f"| {own.frames:,} | {own.size[0]}x{own.size[1]} | {os.cpu_count()} | {seconds:.0f} "
        f"| {own.frames / seconds:.1f} | {most / 1024:,.0f} MB |"
    )


def lay_out(folder: Path, count: int) -> None:
    """The files of `data/nyuv2`, of as many frames."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    height, width = SIZE
    images = random.integers(0, 256, (_DIFFERENT, 3, width, height), dtype=np.uint8)
    labels = random.integers(0, 895, (_DIFFERENT, width, height), dtype=np.uint16)
    depths = random.uniform(1, 9, (_DIFFERENT, width, height)).astype(np.float32)
    with h5py.File(folder / "nyu_depth_v2_labeled.mat", "w") as file:
        arrays: dict[str, Array] = {"images": images, "labels": labels, "depths": depths}
        for name, values in arrays.items():
            shape = (count, *values.shape[1:])
            stored = file.create_dataset(name, shape, values.dtype)
            for number in range(count):
                stored[number] = values[number % _DIFFERENT]
        scenes = file.create_dataset("scenes", (1, count), h5py.ref_dtype)
        for number in range(count):
            text = np.array([[ord(letter)] for letter in f"room_{number // 3:04}"])
            scenes[0, number] = file.create_dataset(f"#refs#/{number}", data=text).ref
    trained = np.arange(1, 1 + round(count * 795 / 1449))[:, None]
    tested = np.arange(1 + len(trained), 1 + count)[:, None]
    savemat(folder / "splits.mat", {"trainNdxs": trained, "testNdxs": tested})
    names = np.array([f"class {number}" for number in range(40)], object)[None]
    kinds = random.integers(1, 41, (1, 894))
    savemat(folder / "classMapping40.mat", {"className": names, "mapClass": kinds})
    savemat(folder / "class13Mapping.mat", {})


if __name__ == "__main__":
    main()
