"""Building polygon meshes from boxes, cylinders, ellipsoids and lofts; lengths in metres."""

from collections.abc import Callable, Mapping, Sequence

import bpy
import numpy as np

Point = Sequence[float] | np.ndarray


class MeshBuilder:
    """Collects faces, each with a material name, and turns them into one Blender mesh."""

    def __init__(self) -> None:
        self._vertices: list[np.ndarray] = []
        self._uvs: list[np.ndarray] = []
        self._normals: list[np.ndarray | None] = []
        self._faces: list[tuple[int, ...]] = []
        self._materials: list[str] = []
        self._count = 0

    def add(
        self,
        vertices: np.ndarray | Sequence[Point],
        faces: Sequence[Sequence[int]],
        material: str | Sequence[str],
        uv: np.ndarray | None = None,
        normals: np.ndarray | None = None,
    ) -> None:
        """Append faces; `uv` (metres) and `normals` are per vertex, materials per face or one."""
        points = np.asarray(vertices, float)
        self._vertices.append(points)
        self._uvs.append(np.zeros((len(points), 2)) if uv is None else np.asarray(uv, float))
        self._normals.append(normals)
        self._faces += [tuple(self._count + i for i in face) for face in faces]
        self._materials += [material] * len(faces) if isinstance(material, str) else material
        self._count += len(points)

    def quad(self, a: Point, b: Point, c: Point, d: Point, material: str) -> None:
        """One four-cornered face."""
        self.add([a, b, c, d], [(0, 1, 2, 3)], material)

    def box(self, low: Point, high: Point, material: str) -> None:
        """An axis-aligned box between two opposite corners."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        corners = [(x, y, z) for z in (z0, z1) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
        sides = [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
        self.add(corners, [*sides, (4, 5, 6, 7), (3, 2, 1, 0)], material)

    def prism(self, outline: Sequence[Point], offset: Point, material: str) -> None:
        """A polygon swept along `offset`, closed on both ends."""
        base = np.asarray(outline, float)
        n = len(base)
        sides = [(i, (i + 1) % n, n + (i + 1) % n, n + i) for i in range(n)]
        caps = [range(n - 1, -1, -1), range(n, 2 * n)]
        self.add(np.vstack([base, base + np.asarray(offset)]), [*sides, *caps], material)

    def tube(
        self, start: Point, end: Point, radii: tuple[float, float], material: str, sides: int = 10
    ) -> None:
        """A closed, tapering cylinder between two points."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        axis = (b - a) / np.linalg.norm(b - a)
        helper = np.array([1.0, 0, 0]) if abs(axis[0]) < 0.9 else np.array([0, 1.0, 0])
        u = np.cross(axis, helper)
        u /= np.linalg.norm(u)
        v = np.cross(axis, u)
        turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)[:, None]
        circle = np.cos(turn) * u + np.sin(turn) * v
        self.loft([a + radii[0] * circle, b + radii[1] * circle], lambda i, j: material)

    def loft(
        self,
        rings: Sequence[np.ndarray],
        material: Callable[[int, int], str],
        caps: tuple[str, str] | None = None,
    ) -> None:
        """Faces between consecutive closed rings; `material(i, j)` names ring i, side j."""
        k, m = len(rings), len(rings[0])
        faces = [
            (i * m + j, i * m + (j + 1) % m, (i + 1) * m + (j + 1) % m, (i + 1) * m + j)
            for i in range(k - 1)
            for j in range(m)
        ]
        names = [material(i, j) for i in range(k - 1) for j in range(m)]
        ends = caps or (material(0, 0), material(k - 2, 0))
        caps_faces = [range(m - 1, -1, -1), range((k - 1) * m, k * m)]
        self.add(np.vstack(rings), [*faces, *caps_faces], [*names, *ends])

    def ellipsoid(
        self, centre: Point, radii: Point, material: str, sides: int = 12, rows: int = 7
    ) -> None:
        """An ellipsoid of longitude-latitude faces."""
        turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
        rings = []
        for latitude in np.linspace(-np.pi / 2 * 0.96, np.pi / 2 * 0.96, rows):
            circle = np.stack([np.cos(turn), np.sin(turn), np.zeros(sides)], 1)
            unit = circle * np.cos(latitude) + [0, 0, np.sin(latitude)]
            rings.append(np.asarray(centre) + unit * np.asarray(radii))
        self.loft(rings, lambda i, j: material)

    def strip(
        self, left: np.ndarray, right: np.ndarray, material: str, uv: np.ndarray | None = None
    ) -> None:
        """A ribbon between two (n, 3) polylines; `uv` is (2, n, 2) in metres."""
        n = len(left)
        faces = [(i, n + i, n + i + 1, i + 1) for i in range(n - 1)]
        flat = None if uv is None else uv.reshape(2 * n, 2)
        self.add(np.vstack([left, right]), faces, material, flat)

    def mesh(
        self, name: str, materials: Mapping[str, bpy.types.Material], sharp_angle: float = 35.0
    ) -> bpy.types.Mesh:
        """The Blender mesh: smooth shaded except at edges above `sharp_angle` degrees."""
        mesh = bpy.data.meshes.new(name)
        points = np.vstack(self._vertices)
        mesh.from_pydata(points.tolist(), [], self._faces)
        used = sorted(set(self._materials))
        for material in used:
            mesh.materials.append(materials[material])
        slots = np.array([used.index(material) for material in self._materials], np.int32)
        mesh.polygons.foreach_set("material_index", slots)
        corners = np.concatenate([np.asarray(face) for face in self._faces])
        layer = mesh.uv_layers.new(name="UVMap")
        layer.uv.foreach_set("vector", np.vstack(self._uvs)[corners].astype(np.float32).ravel())
        mesh.update()
        mesh.shade_smooth()
        mesh.set_sharp_from_angle(angle=float(np.radians(sharp_angle)))
        self._set_custom_normals(mesh, corners)
        return mesh

    def _set_custom_normals(self, mesh: bpy.types.Mesh, corners: np.ndarray) -> None:
        if all(normals is None for normals in self._normals):
            return
        pairs = zip(self._vertices, self._normals, strict=True)
        chosen = [np.zeros_like(v) if n is None else n for v, n in pairs]
        mesh.normals_split_custom_set(np.vstack(chosen)[corners].tolist())
