"""Encoding one frame: the picture, four label images and the boxes, as six files."""

import json
from pathlib import Path

import bpy
import numpy as np
from classes import PERSON, VEHICLE, palette
from frame_files import DEPTH_LIMIT, DEPTH_SCALE, HEIGHT, WIDTH, frame_files, occlusion_level
from frames import Frame
from passes import LabelPasses
from PIL import Image
from silhouettes import Silhouette, silhouette
from small_png import write_png
from stage import camera_rotation, focal_length, placement_matrix
from streets import Layout

JPEG_QUALITY = 88
MEDIAN_TARGET = 0.45
SATURATION = 1.25


def number_instances(passes: LabelPasses) -> tuple[np.ndarray, dict[int, int]]:
    """Instance map (uint16) and the instance number of each visible mover."""
    counted = np.isin(passes.classes, (PERSON, VEHICLE))
    if (passes.movers[counted] == 0).any():
        raise ValueError("a person or vehicle pixel belongs to no mover")
    visible = np.unique(passes.movers[counted])
    numbers = {int(mover): k + 1 for k, mover in enumerate(visible)}
    table = np.zeros(int(passes.movers.max()) + 1, np.uint16)
    for mover, number in numbers.items():
        table[mover] = number
    return np.where(counted, table[passes.movers], 0).astype(np.uint16), numbers


def encode_depth(depth: np.ndarray) -> np.ndarray:
    """Metres times 256 (uint16), 0 for sky and beyond 255 m."""
    valid = depth <= DEPTH_LIMIT
    return np.where(valid, np.rint(np.where(valid, depth, 0) * DEPTH_SCALE), 0).astype(np.uint16)


def encode_normals(normals: np.ndarray) -> np.ndarray:
    """128 + 127 n per component (uint8), all 0 in the sky."""
    valid = np.abs(normals).sum(-1, keepdims=True) > 0
    return np.where(valid, 128 + np.rint(127 * normals), 0).astype(np.uint8)


def develop(image: Image.Image) -> Image.Image:
    """Exposure and saturation as a camera would set them: the median luminance near 0.45."""
    rgb = np.asarray(image, float) / 255
    luminance = rgb @ [0.2126, 0.7152, 0.0722]
    gamma = np.log(MEDIAN_TARGET) / np.log(np.clip(np.median(luminance), 0.05, 0.9))
    rgb = rgb ** float(np.clip(gamma, 0.72, 1.15))
    grey = rgb @ np.array([0.2126, 0.7152, 0.0722])
    rgb = grey[..., None] + SATURATION * (rgb - grey[..., None])
    return Image.fromarray(np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8))


def _camera_points(frame: Frame, mover: int, meshes: dict[str, bpy.types.Mesh]) -> np.ndarray:
    """Vertices of a mover's mesh in camera coordinates (n, 3)."""
    placed = frame.movers[mover - 1][1]
    mesh = meshes[placed.asset]
    flat = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", flat)
    matrix = placement_matrix(placed, placed.z)
    world = flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    camera = frame.camera
    return (world - [camera.x, camera.y, camera.height]) @ camera_rotation(camera).T


def _box(name: str, number: int, shape: Silhouette, pixels: int, distance: float) -> dict:
    fraction = min(1.0, pixels / max(shape.inside, 1))
    return {
        "class": name,
        "instance": number,
        "box": [round(v, 2) for v in shape.box],
        "visible_fraction": round(fraction, 4),
        "occlusion": occlusion_level(round(fraction, 4)),
        "truncation": round(shape.truncation, 4),
        "height": round(shape.box[3] - shape.box[1], 2),
        "distance": round(distance, 2),
    }


def vehicle_boxes(
    frame: Frame, instances: np.ndarray, numbers: dict[int, int], meshes: dict[str, bpy.types.Mesh]
) -> list[dict]:
    """A box for every visible vehicle; distance is from the camera to the mesh's centre (m)."""
    boxes = []
    counts = np.bincount(instances.ravel())
    for mover, number in numbers.items():
        name, placed = frame.movers[mover - 1]
        if name == "person":
            continue
        faces = [tuple(face.vertices) for face in meshes[placed.asset].polygons]
        points = _camera_points(frame, mover, meshes)
        shape = silhouette(points, faces, focal_length(frame.camera), (WIDTH, HEIGHT))
        if shape is None:
            raise ValueError(f"{frame.key}: instance {number} is visible but has no silhouette")
        distance = float(np.linalg.norm((points.min(0) + points.max(0)) / 2))
        boxes.append(_box(name, number, shape, int(counts[number]), distance))
    return boxes


def describe(layout: Layout, frame: Frame, boxes: list[dict]) -> dict:
    """The contents of the labels file."""
    camera, light = frame.camera, frame.light
    focal = round(focal_length(camera), 4)
    return {
        "key": frame.key,
        "split": layout.split,
        "index": frame.index,
        "layout_seed": layout.seed,
        "frame_seed": frame.seed,
        "scene": layout.scene,
        "shape": layout.shape,
        "camera": {
            "fx": focal,
            "fy": focal,
            "cx": WIDTH / 2,
            "cy": HEIGHT / 2,
            "height": round(camera.height, 4),
            "pitch": round(float(np.degrees(camera.pitch)), 4),
        },
        "sun": {"elevation": round(light.elevation, 2), "azimuth": round(light.azimuth, 2)},
        "haze": round(light.haze, 6),
        "boxes": boxes,
    }


def write_frame(
    folder: Path,
    layout: Layout,
    frame: Frame,
    image: Image.Image,
    passes: LabelPasses,
    meshes: dict[str, bpy.types.Mesh],
) -> None:
    """Write the six files; each appears under its name only when complete, the JSON last."""
    instances, numbers = number_instances(passes)
    boxes = vehicle_boxes(frame, instances, numbers, meshes)
    text = json.dumps(describe(layout, frame, boxes), separators=(",", ":"))
    *paths, labels_path = frame_files(folder, frame.key)
    partials = [path.with_name(path.name + ".partial") for path in paths]
    develop(image).save(partials[0], "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    write_png(partials[1], passes.classes, palette())
    write_png(partials[2], instances)
    write_png(partials[3], encode_depth(passes.depth))
    write_png(partials[4], encode_normals(passes.normals))
    for partial, path in zip(partials, paths, strict=True):
        partial.rename(path)
    partial = labels_path.with_name(labels_path.name + ".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.rename(labels_path)
