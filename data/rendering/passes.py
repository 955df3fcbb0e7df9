"""Rendering a staged frame twice: the picture, and the label passes at pixel centres."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
import OpenEXR
from classes import classes_of_indices
from frame_files import HEIGHT, WIDTH
from frames import Camera
from materials import NORMAL_OUTPUT
from PIL import Image
from stage import SAMPLES, Stage, camera_rotation, focal_length

FAR = 1e9


@dataclass(frozen=True)
class LabelPasses:
    """Per-pixel labels (128 x 256): class, mover number (0 none), depth, normal.

    `depth` is in metres along the optical axis and infinite in the sky; `normals` (h, w, 3) are
    unit vectors, x right, y down, z forward, turned towards the camera, and 0 in the sky.
    """

    classes: np.ndarray
    movers: np.ndarray
    depth: np.ndarray
    normals: np.ndarray


def _render(scene: bpy.types.Scene, path: Path, file_format: str) -> None:
    settings = scene.render.image_settings
    settings.file_format = file_format
    settings.color_mode = "RGB"
    settings.color_depth = "32" if file_format == "OPEN_EXR_MULTILAYER" else "8"
    scene.render.filepath = str(path)
    scene.render.use_file_extension = False
    bpy.ops.render.render(write_still=True)


def render_image(stage: Stage, seed: int) -> Image.Image:
    """The denoised picture after the view transform."""
    scene, cycles = stage.scene, stage.scene.cycles
    cycles.samples, cycles.seed, cycles.use_denoising = SAMPLES, seed & 0xFFFF, True
    cycles.max_bounces = 2
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.5
    scene.render.use_compositing = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.png"
        _render(scene, path, "PNG")
        with Image.open(path) as image:
            return image.convert("RGB")


def render_labels(stage: Stage, camera: Camera) -> LabelPasses:
    """One sample through each pixel centre, without bounces, filter or denoiser."""
    scene, cycles = stage.scene, stage.scene.cycles
    cycles.samples, cycles.seed, cycles.use_denoising = 1, 0, False
    cycles.max_bounces = 0
    cycles.pixel_filter_type, cycles.filter_width = "GAUSSIAN", 0.01
    scene.render.use_compositing = False
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.exr"
        _render(scene, path, "OPEN_EXR_MULTILAYER")
        channels = _read_channels(path)
    return _label_passes(channels, camera)


def _read_channels(path: Path) -> dict[str, np.ndarray]:
    """All channels by name without the view layer's name."""
    with OpenEXR.File(str(path), separate_channels=True) as file:
        found = file.channels()
        return {name.split(".", 1)[1]: np.array(c.pixels) for name, c in found.items()}


def _integers(values: np.ndarray, name: str) -> np.ndarray:
    whole = np.rint(values)
    if np.abs(values - whole).max() > 1e-4:
        raise ValueError(f"pass {name} has fractional values: it was averaged over samples")
    return whole.astype(np.int64)


def pixel_rays(camera: Camera) -> np.ndarray:
    """Rays (h, w, 3) through the pixel centres in camera coordinates, z = 1."""
    f = focal_length(camera)
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / f
    y = (np.arange(HEIGHT) + 0.5 - HEIGHT / 2) / f
    return np.stack([*np.meshgrid(x, y), np.ones((HEIGHT, WIDTH))], -1)


def _label_passes(channels: dict[str, np.ndarray], camera: Camera) -> LabelPasses:
    depth = channels["Depth.Z"].astype(float)
    hit = depth < FAR
    materials = np.where(hit, _integers(channels["IndexMA.X"], "IndexMA"), 0)
    movers = np.where(hit, _integers(channels["IndexOB.X"], "IndexOB"), 0)
    names = [f"{NORMAL_OUTPUT}.{c}" for c in "RGB"]
    normals = np.stack([channels[name] for name in names], -1) @ camera_rotation(camera).T
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = np.where(hit[..., None], normals / np.maximum(length, 1e-6), 0.0)
    away = (normals * pixel_rays(camera)).sum(-1, keepdims=True) > 0
    normals = np.where(away, -normals, normals)
    return LabelPasses(classes_of_indices(materials), movers, np.where(hit, depth, np.inf), normals)
