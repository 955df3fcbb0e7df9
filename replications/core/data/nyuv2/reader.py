"""Readers of NYUv2's genuine formats: the official file, MATLAB's, and PNG maps as refinenets use.

Silberman, Hoiem, Kohli and Fergus (ECCV 2012). Depth is in metres, in-painted where the sensor saw
nothing. There are no normals in it; `plane_normals` derives them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError
from scipy.ndimage import uniform_filter

from replications.core.data.archives import Archive
from replications.core.data.labels import VOID, Array, Frame, check_frame
from replications.core.data.pictures.frames import frame_with
from replications.core.errors import StudyError

SIZE = (480, 640)
FRAMES = 1449
FOCAL = (518.8579, 519.4696)
CENTRE = (325.5824, 253.7362)
"""Of the colour camera, x and y, in pixels: the authors' calibration."""
_WINDOW = 21
"""Pixels of the window that a plane is fitted in, rows and columns."""
_PNG_DEPTH = 5000
"""Units of a metre in PNG maps of depth."""


@dataclass(frozen=True)
class Classes:
    """From the labels of the file to semantic classes: `ids` (895,) uint8, of label 0, which is
    none, and of labels 1 to 894."""

    names: tuple[str, ...]
    ids: Array


def read_classes(forty: Path, thirteen: Path | None) -> Classes:
    """The 40 classes, or with the second mapping the 13.

    Raises:
        StudyError: a mapping is missing or none.
    """
    found = _mat(forty)
    names, ids = _names(found["className"]), found["mapClass"].ravel().astype(int)
    if thirteen:
        [[coarse, titles, *_]] = _mat(thirteen)["classMapping13"][0]
        names, ids = _names(titles), coarse.ravel().astype(int)[ids - 1]
    return Classes(names, np.concatenate([[VOID], ids - 1]).astype(np.uint8))


def read_split(path: Path) -> tuple[list[int], list[int]]:
    """The numbers of the frames to train and to test with, from 1."""
    found = _mat(path)
    return found["trainNdxs"].ravel().tolist(), found["testNdxs"].ravel().tolist()


def read_scenes(path: Path) -> list[str]:
    """The scene of each frame of the official file, such as `kitchen_0004`."""
    file = _opened(path)
    return ["".join(map(chr, file[reference][:].ravel())) for reference in file["scenes"][0]]


def read_frame(path: Path, classes: Classes, number: int) -> Frame:
    """A frame of the official file, by its number, from 1.

    Raises:
        StudyError: there is none of that number, or its labels are not valid.
    """
    file = _opened(path)
    where = f"{path}, frame {number}"
    if not 1 <= number <= len(file["images"]):
        raise StudyError(f"{where}: the file has frames 1 to {len(file['images'])}")
    # MATLAB's arrays are column by column: (…, W, H) as they lie in the file.
    image = file["images"][number - 1].transpose(0, 2, 1)
    labels, depth = (file[name][number - 1].T for name in ("labels", "depths"))
    if labels.max() >= len(classes.ids):
        raise StudyError(f"{where}: label {labels.max()}; allowed: 0-{len(classes.ids) - 1}")
    return checked(where, image, classes.ids[labels], depth, len(classes.names))


def read_png_frame(archive: Archive, key: str) -> Frame:
    """A frame of four PNG files of a folder, as refinenets for several tasks use them: the image
    `KEY.png`, 40 classes (255 none) in `segm_gt_KEY.png`, and 5,000 times the depth in metres (16
    bit, 0 none) in `depth_gt_KEY.png`. Normals are derived, as for the official file; the layout's
    own are along other axes, see `png_normals`.

    Raises:
        StudyError: a file is missing, broken, of another size, or holds what it may not.
    """
    depth = archive.map(f"depth_gt_{key}.png").astype(np.float32) / _PNG_DEPTH
    semseg = archive.map(f"segm_gt_{key}.png").astype(np.uint8)
    return checked(archive.where(key), archive.image(f"{key}.png"), semseg, depth, n_classes=40)


def png_normals(archive: Archive, key: str) -> Array:
    """float32 (3, H, W): the unit normals of `norm_gt_KEY.png` in our axes, 0 where there are none.

    In the file they are 127 + 127 n, along x right, z forward and y up.
    """
    right, forward, up = (archive.image(f"norm_gt_{key}.png").astype(np.float32) - 127) / 127
    normals = np.stack([right, -up, forward])
    length = np.linalg.norm(normals, axis=0)
    return np.where(length > 0.5, normals / np.maximum(length, 0.5), 0)


def checked(where: str, image: Array, semseg: Array, depth: Array, n_classes: int) -> Frame:
    """A frame of its parts, with normals.

    Raises:
        StudyError: the parts do not agree, or hold what they may not.
    """
    same = image.shape[1:] == semseg.shape == depth.shape
    normals = {"normals": plane_normals(depth)} if same else {}
    frame = frame_with(where, image, semseg=semseg, depth=depth.astype(np.float32), **normals)
    if problems := check_frame(frame, n_classes, things=()):
        raise StudyError(f"{where}: {'; '.join(problems)}")
    return frame


def plane_normals(depth: Array) -> Array:
    """int8 (3, H, W), 127 times the unit normal, facing the camera, of a map of depth (H, W).

    In a camera's image the inverse depth of a plane is an affine function of the pixel: with n the
    plane's normal, 1/Z = a u + b v + c where (a f_x, b f_y, c) is along n, u and v from the
    principal point. That function is fitted to the valid pixels of a window, by least squares.
    """
    valid = depth > 0
    inverse = np.where(valid, 1 / np.where(valid, depth, 1), 0).astype(np.float64)
    height, width = depth.shape
    v, u = np.mgrid[:height, :width].astype(np.float64)
    u = (u - CENTRE[0] * width / SIZE[1]) / width  # of the order of 1, for the sake of rounding
    v = (v - CENTRE[1] * height / SIZE[0]) / width

    def mean(values: Array) -> Array:
        found: Array = uniform_filter(np.where(valid, values, 0.0), _WINDOW, mode="constant")
        return found

    terms = (u, v, np.ones_like(u))
    normal_matrix = np.stack([np.stack([mean(p * q) for q in terms], -1) for p in terms], -2)
    right = np.stack([mean(p * inverse) for p in terms], -1)[..., None]
    # Where a window has but a line of pixels nothing is added to what they say.
    ridge = 1e-12 * np.eye(3)
    fit = np.linalg.solve(normal_matrix + ridge, right)[..., 0]
    focal = np.array([FOCAL[0] / SIZE[1], FOCAL[1] / SIZE[1], 1.0])
    normal = -fit * focal
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    rounded: Array = np.rint(127 * np.where(valid[..., None], normal, 0))
    return rounded.astype(np.int8).transpose(2, 0, 1)


def _names(cells: Any) -> tuple[str, ...]:
    return tuple(str(cell[0]) for cell in cells.ravel())


def _mat(path: Path) -> Any:
    try:
        return loadmat(str(path))
    except (OSError, ValueError, TypeError, MatReadError) as error:
        raise StudyError(f"{path}: cannot be read as a file of MATLAB's ({error})") from None


@functools.cache
def _opened(path: Path) -> Any:
    import h5py  # what trains does without

    try:
        return h5py.File(path)
    except OSError as error:
        raise StudyError(f"{path}: cannot be read as HDF5 ({error}); fetch it again") from None
