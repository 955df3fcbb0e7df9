"""Tree, shrub and hedge meshes made of leaf clumps with real leaf faces; metres, foot at 0."""

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np
from geometry import MeshBuilder

DIRECTION_STEPS = 2.0


@dataclass(frozen=True)
class Ellipsoid:
    """Centre and radii (m)."""

    centre: np.ndarray
    radii: np.ndarray

    def outward(self, points: np.ndarray) -> np.ndarray:
        """Unit normals (n, 3) of the concentric ellipsoids through the points."""
        normals = (points - self.centre) / self.radii**2
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _leaves(
    points: np.ndarray, outward: np.ndarray, size: float, rng: np.random.Generator
) -> tuple[np.ndarray, list[list[int]]]:
    """A small quad at every point, facing roughly outward: vertices (4n, 3) and faces."""
    n = len(points)
    facing = outward + 0.5 * rng.normal(size=(n, 3))
    facing = _unit(facing * np.sign((facing * outward).sum(1, keepdims=True)))
    u = _unit(np.cross(facing, rng.normal(size=(n, 3))))
    v = np.cross(facing, u)
    scale = size * rng.uniform(0.6, 1.25, (n, 1))
    corners = [u * scale, 0.7 * v * scale, -u * scale, -0.7 * v * scale]
    vertices = np.stack([points + corner for corner in corners], 1).reshape(-1, 3)
    return vertices, np.arange(4 * n).reshape(n, 4).tolist()


def _core(clump: Ellipsoid, rng: np.random.Generator) -> tuple[np.ndarray, list[list[int]]]:
    """The uneven closed surface behind the leaves of a clump, four vertices a face."""
    rows, sides = 7, 12
    latitude = np.linspace(-1.5, 1.5, rows)[:, None]
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None]
    unit = np.stack(
        [np.cos(latitude) * np.cos(turn), np.cos(latitude) * np.sin(turn),
         np.sin(latitude) + 0 * turn], -1,
    )  # fmt: skip
    uneven = rng.uniform(0.62, 0.86, (rows, sides, 1))
    grid = clump.centre + (unit * uneven * clump.radii).reshape(-1, 3)
    faces = [
        [i * sides + j, i * sides + (j + 1) % sides, (i + 1) * sides + (j + 1) % sides,
         (i + 1) * sides + j]
        for i in range(rows - 1)
        for j in range(sides)
    ]  # fmt: skip
    vertices = grid[np.array(faces)].reshape(-1, 3)
    return vertices, np.arange(len(vertices)).reshape(-1, 4).tolist()


def _add_clump(
    builder: MeshBuilder,
    clump: Ellipsoid,
    crown: Ellipsoid,
    count: int,
    size: float,
    rng: np.random.Generator,
) -> None:
    """A core and leaves around it; each face has one normal, which mostly follows the crown.

    The normals are snapped to a coarse set of directions, which keeps the normal images small.
    """
    direction = _unit(rng.normal(size=(count, 3)))
    points = clump.centre + direction * rng.uniform(0.8, 1.08, (count, 1)) * clump.radii
    for vertices, faces in (
        _core(clump, rng),
        _leaves(points, clump.outward(points), size, rng),
    ):
        middle = vertices.reshape(-1, 4, 3).mean(1)
        normals = _unit(0.4 * clump.outward(middle) + crown.outward(middle) + 1e-6)
        normals = _unit(np.rint(DIRECTION_STEPS * normals))
        builder.add(vertices, faces, "leaves", normals=np.repeat(normals, 4, axis=0))


def _broadleaf(seed: int, height: float, spread: float, clear: float) -> MeshBuilder:
    """A trunk, a few limbs, and a crown of leaf clumps; `clear` is the height of the first."""
    rng = np.random.default_rng(seed)
    builder = MeshBuilder()
    radius = 0.022 * height + 0.04
    fork = np.array([rng.normal(0, 0.1), rng.normal(0, 0.1), 0.9 * clear])
    builder.tube((0, 0, -0.2), fork, (1.25 * radius, 0.8 * radius), "bark")
    middle = (height + clear) / 2
    heart = np.array([0, 0, middle])
    crown = Ellipsoid(heart, np.array([spread, spread, 0.55 * (height - clear)]))
    for k in range(15):
        turn = k * 2.4 + rng.uniform(-0.4, 0.4)
        rise = -1 + 2 * (k + 0.5) / 15
        reach = 0.62 * spread * np.sqrt(max(0.1, 1 - 0.8 * rise * rise)) * rng.uniform(0.75, 1.1)
        z = middle + 0.36 * (height - clear) * rise
        centre = np.array([reach * np.cos(turn), reach * np.sin(turn), z])
        clump = Ellipsoid(centre, spread * rng.uniform(0.3, 0.46) * np.array([1, 1, 0.8]))
        _add_clump(builder, clump, crown, 150, 0.18, rng)
        builder.tube(fork, 0.35 * fork + 0.65 * centre, (0.4 * radius, 0.12 * radius), "bark", 6)
    core = Ellipsoid(heart, np.array([0.45 * spread, 0.45 * spread, 0.3 * (height - clear)]))
    _add_clump(builder, core, crown, 100, 0.2, rng)
    return builder


def _conifer(seed: int, height: float, spread: float) -> MeshBuilder:
    """A cone of drooping leaf layers."""
    rng = np.random.default_rng(seed)
    builder = MeshBuilder()
    builder.tube((0, 0, -0.2), (0, 0, 0.9 * height), (0.02 * height, 0.03), "bark")
    crown = Ellipsoid(np.array([0, 0, 0.35 * height]), np.array([spread, spread, 0.9 * height]))
    for level in np.linspace(0.1, 0.98, 12):
        radius = spread * (1.04 - level)
        layer = np.array([radius, radius, 0.065 * height])
        clump = Ellipsoid(np.array([0, 0, level * height]), layer)
        _add_clump(builder, clump, crown, 170, 0.16, rng)
    return builder


def _shrub(seed: int) -> MeshBuilder:
    """A shrub of about 1.2 m."""
    rng = np.random.default_rng(seed)
    builder = MeshBuilder()
    crown = Ellipsoid(np.array([0, 0, 0.3]), np.full(3, 0.9))
    for _ in range(4):
        centre = np.array([*rng.normal(0, 0.3, 2), rng.uniform(0.35, 0.6)])
        clump = Ellipsoid(centre, np.full(3, rng.uniform(0.45, 0.6)))
        _add_clump(builder, clump, crown, 160, 0.09, rng)
    return builder


def _hedge(seed: int) -> MeshBuilder:
    """A clipped hedge 4 m long (x), 0.7 m deep, 1.2 m high."""
    rng = np.random.default_rng(seed)
    builder = MeshBuilder()
    builder.box((-1.98, -0.28, 0), (1.98, 0.28, 1.12), "leaves")
    half = np.array([2, 0.33, 1.16])
    for axis, sign in ((1, -1), (1, 1), (2, 1), (0, -1), (0, 1)):
        count = 650 if axis == 1 else 350 if axis == 2 else 100
        points = rng.uniform((-2, -0.33, 0.02), (2, 0.33, 1.16), (count, 3))
        points[:, axis] = sign * half[axis] + rng.normal(0, 0.03, count)
        outward = np.zeros((count, 3))
        outward[:, axis] = sign
        vertices, faces = _leaves(points, outward, 0.075, rng)
        builder.add(vertices, faces, "leaves", normals=np.repeat(outward, 4, axis=0))
    return builder


TREES = {
    "linden": (11, 8.5, 3.0, 2.6),
    "maple": (12, 10.5, 3.9, 2.9),
    "plane": (13, 12.5, 4.4, 3.8),
    "small_tree": (14, 5.5, 2.0, 1.9),
    "birch": (15, 10.0, 2.3, 2.6),
}
CONIFERS = {"spruce": (21, 12.0, 2.6), "fir": (22, 8.0, 2.0)}


def vegetation_meshes(materials: Mapping[str, bpy.types.Material]) -> dict[str, bpy.types.Mesh]:
    """All plant meshes by name."""
    builders = {name: _broadleaf(*shape) for name, shape in TREES.items()}
    builders |= {name: _conifer(*shape) for name, shape in CONIFERS.items()}
    builders |= {"shrub_a": _shrub(31), "shrub_b": _shrub(32), "hedge": _hedge(41)}
    return {name: builder.mesh(name, materials) for name, builder in builders.items()}
