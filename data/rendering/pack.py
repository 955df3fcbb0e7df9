"""Command line: verify rendered frames, pack them into tar files, draw a sheet of samples."""

import argparse
import io
import json
import sys
import tarfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from classes import CLASS_NAMES, COLOURS, PERSON, SKY, VEHICLE, VOID
from frame_files import (
    DEPTH_LIMIT,
    DEPTH_SCALE,
    HEIGHT,
    WIDTH,
    frame_files,
    occlusion_level,
)
from PIL import Image
from splits import FRAMES_PER_LAYOUT, SPLITS, frame_key, scene_and_shape, seed_of

SIZE = (WIDTH, HEIGHT)
PICTURE_MODES = {
    "image.jpg": ("JPEG", ("RGB",)),
    "semseg.png": ("PNG", ("P",)),
    "instances.png": ("PNG", ("I;16", "I")),
    "depth.png": ("PNG", ("I;16", "I")),
    "normals.png": ("PNG", ("RGB",)),
}
SHEET_LIMIT = 400_000


class InvalidFrameError(ValueError):
    """A file of a frame breaks the format."""


def expect(condition: object, key: str, message: str) -> None:
    """Raise InvalidFrameError naming the frame unless the condition holds."""
    if not condition:
        raise InvalidFrameError(f"{key}: {message}; delete its files and render it again")


@dataclass
class Statistics:
    """Counts over the frames of one split."""

    frames: int = 0
    scenes: Counter = field(default_factory=Counter)
    shapes: Counter = field(default_factory=Counter)
    pixels: Counter = field(default_factory=Counter)
    frames_with: Counter = field(default_factory=Counter)
    boxes: Counter = field(default_factory=Counter)
    layout_seeds: set = field(default_factory=set)
    frame_seeds: set = field(default_factory=set)

    def table(self) -> dict:
        """A JSON-ready summary; pixel shares and shares of frames per class."""
        total = sum(self.pixels.values())
        names = dict(enumerate(CLASS_NAMES)) | {VOID: "void"}
        return {
            "frames": self.frames,
            "layouts": len(self.layout_seeds),
            "scenes": dict(sorted(self.scenes.items())),
            "shapes": dict(sorted(self.shapes.items())),
            "pixel_share": {n: round(self.pixels[c] / total, 5) for c, n in names.items()},
            "frame_share": {
                n: round(self.frames_with[c] / self.frames, 3) for c, n in names.items()
            },
            "boxes": {f"{c}, occlusion {o}": n for (c, o), n in sorted(self.boxes.items())},
        }


def read_frame(folder: Path, key: str) -> dict:
    """Decoded pictures (arrays) and labels of a frame, by suffix."""
    contents: dict = {}
    for suffix, (kind, modes) in PICTURE_MODES.items():
        with Image.open(folder / f"{key}.{suffix}") as image:
            found = (image.format, image.mode, image.size)
            expect(
                image.format == kind and image.mode in modes and image.size == SIZE,
                key,
                f"{suffix} is {found}, expected {kind}, {' or '.join(modes)}, {SIZE}",
            )
            contents[suffix] = np.array(image)
    contents["labels.json"] = json.loads((folder / f"{key}.labels.json").read_text("utf-8"))
    return contents


def pixel_rays(camera: dict) -> np.ndarray:
    """Directions (h, w, 3) through the pixel centres, x right, y down, z forward."""
    x = (np.arange(SIZE[0]) + 0.5 - camera["cx"]) / camera["fx"]
    y = (np.arange(SIZE[1]) + 0.5 - camera["cy"]) / camera["fy"]
    rays = np.stack([*np.meshgrid(x, y), np.ones(SIZE[::-1])], -1)
    return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def verify_pixels(key: str, frame: dict) -> None:
    """Value ranges, and agreement of classes, instances, depth and normals."""
    semseg, instances = frame["semseg.png"], frame["instances.png"]
    depth, normals = frame["depth.png"], frame["normals.png"]
    known = np.isin(semseg, [*range(len(CLASS_NAMES)), VOID])
    expect(known.all(), key, f"semseg has values {np.unique(semseg[~known])}")
    counted = np.isin(semseg, (PERSON, VEHICLE))
    expect(((instances > 0) == counted).all(), key, "instances do not cover persons and vehicles")
    numbers = np.unique(instances[instances > 0])
    consecutive = (numbers == np.arange(1, len(numbers) + 1)).all()
    expect(consecutive, key, f"instance numbers are {numbers}, expected 1..N")
    sky = semseg == SKY
    expect((depth[sky] == 0).all(), key, "the sky has a depth")
    reach = depth.max() / DEPTH_SCALE
    expect(reach <= DEPTH_LIMIT, key, f"depth reaches {reach} m, limit {DEPTH_LIMIT}")
    absent = (normals == 0).all(-1)
    expect((absent == sky).all(), key, "normals are not missing exactly in the sky")
    vectors = (normals.astype(float) - 128) / 127
    length = np.linalg.norm(vectors[~sky], axis=-1)
    expect((np.abs(length - 1) < 0.02).all(), key, "normals are not unit vectors")
    facing = (vectors * pixel_rays(frame["labels.json"]["camera"])).sum(-1)[~sky]
    expect((facing < 0.02).all(), key, f"a normal points away from the camera: {facing.max()}")


def verify_boxes(key: str, frame: dict) -> None:
    """A box for every vehicle instance, around its pixels, with consistent numbers."""
    instances, boxes = frame["instances.png"], frame["labels.json"]["boxes"]
    vehicles = set(np.unique(instances[frame["semseg.png"] == VEHICLE]).tolist())
    named = [box["instance"] for box in boxes]
    expect(sorted(named) == sorted(vehicles), key, f"boxes of {named}, vehicles {vehicles}")
    for box in boxes:
        x1, y1, x2, y2 = box["box"]
        number, fraction = box["instance"], box["visible_fraction"]
        inside = 0 <= x1 < x2 <= SIZE[0] and 0 <= y1 < y2 <= SIZE[1]
        expect(inside, key, f"box {number} is {box['box']}")
        rows, columns = np.nonzero(instances == number)
        around = x1 <= columns.min() + 0.6 and columns.max() + 0.4 <= x2
        around = around and y1 <= rows.min() + 0.6 and rows.max() + 0.4 <= y2
        expect(around, key, f"box {number} does not contain its pixels")
        expect(0 < fraction <= 1, key, f"box {number} has visible_fraction {fraction}")
        level = occlusion_level(fraction)
        expect(box["occlusion"] == level, key, f"box {number} has occlusion {box['occlusion']}")
        expect(0 <= box["truncation"] < 1, key, f"box {number}: {box['truncation']} truncated")
        expect(abs(box["height"] - (y2 - y1)) < 0.02, key, f"box {number} has a wrong height")
        expect(box["class"] in ("car", "van", "truck"), key, f"box {number}: {box['class']}")


def verify_origin(key: str, split: str, labels: dict) -> None:
    """Key, seeds, scene and shape are those that split and index give."""
    index = labels["index"]
    layout = index // FRAMES_PER_LAYOUT
    scene, shape = scene_and_shape(layout)
    right = {
        "key": frame_key(split, index),
        "split": split,
        "layout_seed": seed_of(split, "layout", layout),
        "frame_seed": seed_of(split, "frame", index),
        "scene": scene,
        "shape": shape,
    }
    found = {name: labels[name] for name in right}
    expect(labels["key"] == key and found == right, key, f"labels say {found}, expected {right}")


def verify_frame(folder: Path, key: str, split: str, statistics: Statistics) -> None:
    """Check one frame and count it."""
    for path in frame_files(folder, key):
        expect(path.is_file(), key, f"{path.name} is missing")
    frame = read_frame(folder, key)
    labels = frame["labels.json"]
    verify_origin(key, split, labels)
    verify_pixels(key, frame)
    verify_boxes(key, frame)
    values, counts = np.unique(frame["semseg.png"], return_counts=True)
    statistics.frames += 1
    statistics.scenes[labels["scene"]] += 1
    statistics.shapes[labels["shape"]] += 1
    statistics.pixels.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    statistics.frames_with.update(values.tolist())
    statistics.boxes.update((box["class"], box["occlusion"]) for box in labels["boxes"])
    statistics.layout_seeds.add(labels["layout_seed"])
    statistics.frame_seeds.add(labels["frame_seed"])


def verify(folder: Path, keys: dict[str, list[str]]) -> dict[str, Statistics]:
    """Check every frame and that no seed occurs in two splits."""
    found = {split: Statistics() for split in keys}
    for split, names in keys.items():
        for key in names:
            verify_frame(folder, key, split, found[split])
        repeated = len(names) - len(found[split].frame_seeds)
        expect(repeated == 0, split, f"{repeated} frame seeds occur twice")
    for kind in ("layout_seeds", "frame_seeds"):
        total = sum(len(getattr(s, kind)) for s in found.values())
        distinct = len(set().union(*(getattr(s, kind) for s in found.values())))
        expect(total == distinct, kind, f"{total - distinct} seeds occur in two splits")
    return found


def pack(folder: Path, keys: list[str], target: Path) -> int:
    """Write one uncompressed tar with fixed metadata, sorted by key; returns its size."""
    partial = target.with_name(target.name + ".partial")
    with tarfile.open(partial, "w", format=tarfile.USTAR_FORMAT) as archive:
        for key in sorted(keys):
            for path in frame_files(folder, key):
                data = path.read_bytes()
                entry = tarfile.TarInfo(path.name)
                entry.size, entry.mode = len(data), 0o644
                archive.addfile(entry, io.BytesIO(data))
    partial.rename(target)
    return target.stat().st_size


def expected_keys(folder: Path, partial: bool) -> dict[str, list[str]]:
    """Keys per split: all of them, or with `partial` those that are in the folder."""
    keys = {
        split: [frame_key(split, index) for index in range(count)]
        for split, count in SPLITS.items()
    }
    if not partial:
        return keys
    complete = {
        split: [key for key in names if all(path.exists() for path in frame_files(folder, key))]
        for split, names in keys.items()
    }
    return {split: names for split, names in complete.items() if names}


def _row(frame: dict) -> Image.Image:
    """Picture, classes, instances, depth and normals side by side."""
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(COLOURS)] = COLOURS
    shades = np.random.default_rng(5).integers(60, 256, (4096, 3)).astype(np.uint8)
    shades[0] = 0
    depth = frame["depth.png"].astype(float) / DEPTH_SCALE
    near = np.where(depth > 0, np.clip(1 - np.log(np.maximum(depth, 2) / 2) / 4.9, 0, 1), 0)
    grey = np.repeat((255 * near).astype(np.uint8)[..., None], 3, 2)
    panels = [
        frame["image.jpg"],
        colours[frame["semseg.png"]],
        shades[frame["instances.png"]],
        grey,
        frame["normals.png"],
    ]
    return Image.fromarray(np.hstack(panels))


def draw_sheet(folder: Path, keys: list[str], target: Path) -> int:
    """A JPEG with one row per key, at most 400 kB; returns its size."""
    rows = [_row(read_frame(folder, key)) for key in keys]
    sheet = Image.new("RGB", (rows[0].width, sum(row.height + 4 for row in rows)), "white")
    for k, row in enumerate(rows):
        sheet.paste(row, (0, k * (row.height + 4)))
    for quality in (92, 88, 84, 80, 75, 70, 60):
        sheet.save(target, "JPEG", quality=quality, subsampling=0, optimize=True)
        if target.stat().st_size <= SHEET_LIMIT:
            return target.stat().st_size
    raise ValueError(f"{target} stays above {SHEET_LIMIT} bytes; give fewer keys")


def parse_arguments() -> argparse.Namespace:
    """Two commands: tars and sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    tars = commands.add_parser("tars", help="verify the frames, write train, val and test.tar")
    tars.add_argument("folder", type=Path, help="folder of rendered frames")
    tars.add_argument("--output", type=Path, required=True, help="folder for the tar files")
    tars.add_argument("--partial", action="store_true", help="pack the frames that are there")
    sheet = commands.add_parser("sheet", help="draw frames with their labels, a row each")
    sheet.add_argument("folder", type=Path, help="folder of rendered frames")
    sheet.add_argument("keys", nargs="+", help="frames to draw, such as train_000017")
    sheet.add_argument("--output", type=Path, required=True, help="JPEG file to write")
    return parser.parse_args()


def main() -> None:
    """Run the command; a broken frame ends it with one line naming the frame."""
    arguments = parse_arguments()
    try:
        if arguments.command == "sheet":
            print(draw_sheet(arguments.folder, arguments.keys, arguments.output), "bytes")
            return
        keys = expected_keys(arguments.folder, arguments.partial)
        found = verify(arguments.folder, keys)
    except (InvalidFrameError, FileNotFoundError) as error:
        sys.exit(str(error))
    arguments.output.mkdir(parents=True, exist_ok=True)
    report = {split: statistics.table() for split, statistics in found.items()}
    for split, names in keys.items():
        size = pack(arguments.folder, names, arguments.output / f"{split}.tar")
        report[split]["bytes"] = size
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
