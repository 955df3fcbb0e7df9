"""Amodal silhouettes: meshes projected and filled on a canvas larger than the image."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

NEAR = 0.4
SUPERSAMPLING = 4
MARGIN = 1.0


@dataclass(frozen=True)
class Silhouette:
    """`inside` counts the pixel centres covered in the image, `total` those on the canvas.

    `box` is (x1, y1, x2, y2) in pixels, clipped to the image; pixel centres are at .5.
    """

    inside: int
    total: int
    box: tuple[float, float, float, float]

    @property
    def truncation(self) -> float:
        """Fraction of the silhouette that lies outside the image."""
        return 1.0 - self.inside / self.total if self.total else 0.0


def _clip_near(polygon: np.ndarray) -> np.ndarray:
    """The part of a polygon (n, 3) in front of the plane z = NEAR (Sutherland-Hodgman)."""
    kept = []
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if start[2] >= NEAR:
            kept.append(start)
        if (start[2] >= NEAR) != (end[2] >= NEAR):
            part = (NEAR - start[2]) / (end[2] - start[2])
            kept.append(start + part * (end - start))
    return np.array(kept).reshape(-1, 3)


def _projected_faces(
    points: np.ndarray, faces: list[tuple[int, ...]], focal: float, size: tuple[int, int]
) -> list[np.ndarray]:
    """Faces as pixel polygons; `points` (n, 3) in camera coordinates, `size` (width, height)."""
    centre = np.array(size) / 2
    found = []
    whole = points[:, 2].min() >= NEAR
    pixels = centre + focal * points[:, :2] / np.maximum(points[:, 2:], 1e-3)
    for face in faces:
        if whole:
            found.append(pixels[list(face)])
            continue
        clipped = _clip_near(points[list(face)])
        if len(clipped) >= 3:
            found.append(centre + focal * clipped[:, :2] / clipped[:, 2:])
    return found


def silhouette(
    points: np.ndarray, faces: list[tuple[int, ...]], focal: float, size: tuple[int, int]
) -> Silhouette | None:
    """Silhouette of a mesh, or None where nothing of it falls into the image.

    The canvas extends the image by its own size on every side; what is nearer to the camera
    than 0.4 m, or beyond the canvas, does not count.
    """
    polygons = _projected_faces(points, faces, focal, size)
    if not polygons:
        return None
    corners = np.vstack(polygons)
    low, high = corners.min(0), corners.max(0)
    if (low >= size).any() or (high <= 0).any():
        return None
    origin = np.floor(np.maximum(low, -MARGIN * np.array(size)))
    end = np.ceil(np.minimum(high, (1 + MARGIN) * np.array(size)))
    covered = _fill(polygons, origin, end)
    left, top = np.maximum(-origin, 0).astype(int)
    right, bottom = np.minimum(end, size).astype(int) - origin.astype(int)
    inside = int(covered[top:bottom, left:right].sum())
    (x1, y1), (x2, y2) = np.clip(low, 0, size).tolist(), np.clip(high, 0, size).tolist()
    return Silhouette(inside, int(covered.sum()), (x1, y1, x2, y2))


def _fill(polygons: list[np.ndarray], origin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Coverage of the pixel centres of the canvas from `origin` to `end`."""
    width, height = (end - origin).astype(int)
    canvas = Image.new("L", (width * SUPERSAMPLING, height * SUPERSAMPLING))
    draw = ImageDraw.Draw(canvas)
    for polygon in polygons:
        draw.polygon([tuple(p) for p in SUPERSAMPLING * (polygon - origin) - 0.5], fill=1)
    middle = SUPERSAMPLING // 2
    return np.asarray(canvas)[middle::SUPERSAMPLING, middle::SUPERSAMPLING] > 0
