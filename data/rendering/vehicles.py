"""Vehicle meshes: lofted bodies with windows, wheels and lights; +y is forward, metres."""

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np
from geometry import MeshBuilder


@dataclass(frozen=True)
class Body:
    """A car or van seen from the side.

    `top` lists (distance from the front, height) from nose to tail; `glass` gives the slopes
    that are windscreen or rear window, `windows` the side windows, as intervals of that distance.
    """

    kind: str
    length: float
    width: float
    belt: float
    top: tuple[tuple[float, float], ...]
    glass: tuple[tuple[float, float], ...]
    windows: tuple[tuple[float, float], ...]
    axles: tuple[float, float]
    wheel: float = 0.32
    clearance: float = 0.2
    roof_width: float = 0.74


BODIES = {
    "sedan": Body(
        "car", 4.65, 1.82, 0.93,
        ((0, 0.56), (0.04, 0.68), (0.3, 0.78), (1.2, 0.96), (2.05, 1.4), (2.6, 1.46), (3.3, 1.4),
         (4.0, 1.08), (4.5, 1.03), (4.6, 0.95), (4.65, 0.6)),
        ((1.25, 2.05), (3.35, 3.95)), ((1.5, 2.45), (2.53, 3.35), (3.4, 3.75)), (0.9, 3.65),
    ),
    "hatchback": Body(
        "car", 4.0, 1.76, 0.95,
        ((0, 0.56), (0.05, 0.7), (0.25, 0.82), (1.0, 1.0), (1.75, 1.45), (2.3, 1.5), (3.3, 1.42),
         (3.8, 1.08), (3.93, 0.98), (4.0, 0.6)),
        ((1.05, 1.75), (3.35, 3.8)), ((1.25, 2.2), (2.28, 3.05), (3.1, 3.4)), (0.8, 3.3),
    ),
    "suv": Body(
        "car", 4.6, 1.9, 1.1,
        ((0, 0.66), (0.05, 0.86), (0.25, 0.98), (1.15, 1.13), (1.85, 1.64), (2.5, 1.71),
         (3.9, 1.63), (4.4, 1.2), (4.54, 1.1), (4.6, 0.7)),
        ((1.2, 1.85), (3.95, 4.4)), ((1.4, 2.4), (2.48, 3.3), (3.38, 4.05)), (0.88, 3.7),
        0.37, 0.26, 0.78,
    ),
    "estate": Body(
        "car", 4.75, 1.83, 0.95,
        ((0, 0.56), (0.04, 0.7), (0.3, 0.8), (1.2, 0.98), (2.0, 1.42), (2.6, 1.48), (4.1, 1.42),
         (4.6, 1.08), (4.7, 0.98), (4.75, 0.6)),
        ((1.25, 2.0), (4.15, 4.6)), ((1.45, 2.42), (2.5, 3.3), (3.38, 4.25)), (0.92, 3.7),
    ),
    "minivan": Body(
        "van", 4.9, 1.95, 1.12,
        ((0, 0.62), (0.05, 0.85), (0.3, 1.0), (0.95, 1.18), (1.75, 1.82), (2.4, 1.92),
         (4.6, 1.88), (4.82, 1.2), (4.86, 1.1), (4.9, 0.6)),
        ((1.0, 1.75), (4.62, 4.82)), ((1.2, 2.2), (2.3, 3.4), (3.5, 4.5)), (0.9, 3.9),
        0.34, 0.22, 0.84,
    ),
    "delivery": Body(
        "van", 5.7, 2.05, 1.25,
        ((0, 0.7), (0.05, 0.95), (0.25, 1.12), (0.8, 1.32), (1.5, 2.1), (2.1, 2.4), (5.6, 2.4),
         (5.66, 1.3), (5.68, 1.2), (5.7, 0.6)),
        ((0.85, 1.5), (5.605, 5.64)), ((1.15, 2.05),), (0.95, 4.6), 0.36, 0.28, 0.88,
    ),
}  # fmt: skip


def _stations(body: Body) -> np.ndarray:
    """Distances from the front at which the body gets a cross-section."""
    ends = [d for interval in (*body.glass, *body.windows) for d in interval]
    keys = {round(d, 3) for d in [*ends, *(d for d, _ in body.top)]}
    keys |= set(np.round(np.linspace(0.15, body.length - 0.15, 9), 3).tolist())
    return np.array(sorted(keys))


def _section(body: Body, distance: float) -> np.ndarray:
    """The closed outline (m, 3) of the body at a distance from its front."""
    top = float(np.interp(distance, *np.array(body.top).T))
    y = body.length / 2 - distance
    half = body.width / 2 * (1 - 0.16 * abs(2 * y / body.length) ** 5)
    roof = max(height for _, height in body.top)
    belt = min(body.belt + 0.03 * distance / body.length, top - 0.03)
    lean = max(0.0, (top - belt - 0.05) / (roof - belt))
    upper = half * (0.96 - (0.96 - body.roof_width) * min(1.0, lean))
    low = body.clearance + 0.1 * abs(2 * y / body.length) ** 8
    side = [
        (0.8 * half, low),
        (0.96 * half, low + 0.1),
        (half, 0.5 * (low + belt) + 0.02),
        (0.985 * half, belt - 0.06),
        (0.955 * half, belt),
        (upper, max(belt + 0.01, top - 0.05)),
        (0.93 * upper, top - 0.015),
        (0.5 * upper, top + 0.01),
    ]
    right = [(x, y, min(z, top + 0.01)) for x, z in side]
    left = [(-x, y, z) for x, _, z in reversed(right)]
    return np.array(right + left)


def _inside(distance: float, intervals: tuple[tuple[float, float], ...]) -> bool:
    return any(low - 1e-6 <= distance <= high + 1e-6 for low, high in intervals)


def _add_body(builder: MeshBuilder, body: Body) -> None:
    stations = _stations(body)
    middle = (stations[:-1] + stations[1:]) / 2

    def material(i: int, j: int) -> str:
        j = min(j, 14 - j)
        if j >= 6 and _inside(middle[i], body.glass):
            return "car_glass"
        if j == 4 and _inside(middle[i], body.windows):
            return "car_glass"
        return "plastic" if j == 0 else "car_paint"

    rings = [_section(body, distance) for distance in stations]
    builder.loft(rings, material, ("car_paint", "car_paint"))


def _add_wheel(builder: MeshBuilder, x: float, y: float, radius: float, arch: bool) -> None:
    """A wheel whose outer face is at x (side given by the sign of x)."""
    side = np.sign(x)
    centre = np.array([x, y, radius])
    across = np.array([side, 0, 0])
    if arch:
        rise = np.array([0, 0, 0.03])
        size = (radius + 0.06, radius + 0.06)
        start = centre - 0.25 * across + rise
        builder.tube(start, centre - 0.012 * across + rise, size, "plastic", 20)
    builder.tube(centre - 0.22 * across, centre, (radius, radius), "tyre", 20)
    hub = 0.66 * radius
    builder.tube(centre, centre + 0.008 * across, (hub, 0.94 * hub), "rim", 16)
    for turn in np.arange(5) * 2 * np.pi / 5 + 0.3:
        spot = centre + 0.55 * hub * np.array([0, np.cos(turn), np.sin(turn)])
        builder.tube(spot, spot + 0.011 * across, (0.2 * hub, 0.2 * hub), "plastic", 6)


def _add_ends(builder: MeshBuilder, body: Body) -> None:
    """Lights, grille, bumpers and plates at the front and the back."""
    front, back, half = body.length / 2, -body.length / 2, body.width / 2
    lamp = body.top[1][1]
    for side in (-1, 1):
        x0, x1 = sorted((side * 0.5 * half, side * 0.84 * half))
        builder.box((x0, front - 0.25, lamp - 0.15), (x1, front + 0.02, lamp - 0.01), "headlight")
        x0, x1 = sorted((side * 0.84 * half, side * 0.875 * half))
        builder.box((x0, front - 0.3, lamp - 0.14), (x1, front - 0.03, lamp - 0.03), "indicator")
        x0, x1 = sorted((side * 0.64 * half, side * 0.86 * half))
        tail = min(body.belt, 0.95)
        builder.box((x0, back - 0.015, tail - 0.15), (x1, back + 0.1, tail + 0.01), "taillight")
    wide, low = 0.46 * half, body.clearance
    builder.box((-wide, front - 0.1, lamp - 0.17), (wide, front + 0.015, lamp - 0.02), "plastic")
    builder.box((-wide, front, lamp - 0.1), (wide, front + 0.02, lamp - 0.085), "chrome")
    for end, sign in ((front, 1), (back, -1)):
        ys = sorted((end - 0.25 * sign, end + 0.025 * sign))
        builder.box((-0.8 * half, ys[0], low + 0.06), (0.8 * half, ys[1], low + 0.2), "plastic")
        height = low + 0.21 if sign > 0 else 0.62
        ys = sorted((end - 0.05 * sign, end + 0.03 * sign))
        builder.box((-0.26, ys[0], height), (0.26, ys[1], height + 0.11), "plate")


def _add_details(builder: MeshBuilder, body: Body) -> None:
    """Mirrors, door handles and door gaps."""
    half, front = body.width / 2, body.length / 2
    mirror = body.windows[0][0] + 0.1
    for side in (-1, 1):
        centre = (side * (half + 0.06), front - mirror, body.belt + 0.05)
        builder.ellipsoid(centre, (0.11, 0.06, 0.08), "car_paint", 8, 5)
        for _, end in body.windows[:2]:
            x = sorted((side * 0.95 * half, side * (half + 0.006)))
            y = front - end
            builder.box((x[0], y - 0.006, 0.36), (x[1], y + 0.006, body.belt - 0.1), "plastic")
            handle = (y + 0.1, y + 0.28)
            z = body.belt - 0.16
            builder.box((x[0], handle[0], z), (x[1] + 0.01, handle[1], z + 0.03), "chrome")


def _car(body: Body) -> MeshBuilder:
    builder = MeshBuilder()
    _add_body(builder, body)
    for distance in body.axles:
        y = body.length / 2 - distance
        half = body.width / 2 * (1 - 0.16 * abs(2 * y / body.length) ** 5)
        for side in (-1, 1):
            _add_wheel(builder, side * (half + 0.012), y, body.wheel, arch=True)
    _add_ends(builder, body)
    _add_details(builder, body)
    return builder


def _rounded(
    half: float, low: float, high: float, y: float, cut: float = 0.12, scale: float = 1.0
) -> np.ndarray:
    """A rectangle with chamfered corners in the plane of constant y."""
    w = half * scale
    outline = [(w - cut, low), (w, low + cut), (w, high - cut), (w - cut, high)]
    points = outline + [(-x, z) for x, z in reversed(outline)]
    return np.array([(x, y, z) for x, z in points])


def _add_cab(builder: MeshBuilder, front: float, length: float, top: float, half: float) -> None:
    """A forward-control lorry cab."""
    rings = [
        _rounded(half, 0.55, top, front - length),
        _rounded(half, 0.5, top, front - 0.45),
        _rounded(half, 0.45, top - 0.12, front - 0.14),
        _rounded(half, 0.45, 1.55, front, 0.1, 0.98),
    ]
    builder.loft(rings, lambda i, j: "car_paint")
    y, z0, z1 = front - 0.07, 1.62, top - 0.3
    builder.quad(
        (-0.9 * half, y + 0.1, z0), (0.9 * half, y + 0.1, z0),
        (0.86 * half, y - 0.03, z1), (-0.86 * half, y - 0.03, z1), "car_glass",
    )  # fmt: skip
    for side in (-1, 1):
        x = sorted((side * 0.9 * half, side * (half + 0.006)))
        builder.box((x[0], front - 1.25, 1.6), (x[1], front - 0.45, top - 0.4), "car_glass")
        x = sorted((side * (half + 0.05), side * (half + 0.22)))
        builder.box((x[0], front - 0.3, 1.6), (x[1], front - 0.2, 2.25), "plastic")
        x = sorted((side * 0.6 * half, side * 0.92 * half))
        builder.box((x[0], front - 0.1, 0.72), (x[1], front + 0.02, 0.92), "headlight")
    builder.box((-0.6 * half, front - 0.1, 0.98), (0.6 * half, front + 0.012, 1.42), "plastic")
    builder.box((-0.94 * half, front - 0.15, 0.42), (0.94 * half, front + 0.03, 0.68), "plastic")
    builder.box((-0.26, front, 0.5), (0.26, front + 0.04, 0.61), "plate")


def _truck(length: float, height: float, axles: tuple[float, ...]) -> MeshBuilder:
    """A box lorry; axles as distances from the front."""
    builder = MeshBuilder()
    front, half, cab = length / 2, 1.2, 1.9
    _add_cab(builder, front, cab, min(2.7, height - 0.4), half)
    back = -length / 2
    rings = [_rounded(1.25, 1.0, height, y, 0.04) for y in np.linspace(back, front - cab - 0.15, 3)]
    builder.loft(rings, lambda i, j: "cargo")
    for z in (1.0, height - 0.08):
        builder.box((-1.265, back - 0.01, z), (1.265, front - cab - 0.14, z + 0.08), "chrome")
    builder.box((-0.02, back - 0.02, 1.1), (0.02, back, height - 0.1), "plastic")
    builder.box((-0.5, back, 0.6), (0.5, front - 1.0, 1.0), "plastic")
    builder.box((-1.15, back - 0.02, 0.45), (1.15, back + 0.08, 0.6), "plastic")
    for side in (-1, 1):
        x = sorted((side * 0.8, side * 1.15))
        builder.box((x[0], back - 0.03, 0.72), (x[1], back + 0.05, 0.88), "taillight")
        x = sorted((side * 1.1, side * 1.18))
        builder.box((x[0], back + 3.4, 0.55), (x[1], front - cab - 0.6, 0.95), "plastic")
        for distance in axles:
            _add_wheel(builder, side * 1.2, front - distance, 0.48, arch=False)
    builder.box((-0.26, back - 0.05, 0.62), (0.26, back, 0.73), "plate")
    return builder


VEHICLE_KINDS = {name: body.kind for name, body in BODIES.items()} | {
    "truck": "truck",
    "long_truck": "truck",
}
VEHICLE_LENGTHS = {name: body.length for name, body in BODIES.items()} | {
    "truck": 7.6,
    "long_truck": 11.5,
}


def vehicle_meshes(materials: Mapping[str, bpy.types.Material]) -> dict[str, bpy.types.Mesh]:
    """All vehicle meshes by model name."""
    builders = {name: _car(body) for name, body in BODIES.items()}
    builders["truck"] = _truck(VEHICLE_LENGTHS["truck"], 3.3, (1.2, 5.9))
    builders["long_truck"] = _truck(VEHICLE_LENGTHS["long_truck"], 3.9, (1.3, 8.6, 9.8))
    return {name: builder.mesh(name, materials, 28.0) for name, builder in builders.items()}
