"""Street furniture: lamps, poles, signs, signals, fences, bins; -y faces the traffic, metres."""

from collections.abc import Mapping

import bpy
import numpy as np
from geometry import MeshBuilder

SEGMENTS = {"0": "abcdef", "3": "abcdg", "5": "acdfg", "6": "acdefg", "7": "abc", "8": "abcdefg"}
FENCE_LENGTH = 4.0


def _disc(builder: MeshBuilder, z: float, radius: float, y: float, material: str, n: int) -> None:
    """A thin regular polygon facing -y; an octagon or diamond stands on its side or corner."""
    offset = np.pi / 8 if n == 8 else np.pi / 2
    turn = np.linspace(0, 2 * np.pi, n, endpoint=False) + offset
    outline = [(radius * np.cos(t), y, z + radius * np.sin(t)) for t in turn]
    builder.prism(outline, (0, 0.02, 0), material)


def _digit(builder: MeshBuilder, digit: str, x: float, z: float, h: float, y: float) -> None:
    """A seven-segment numeral centred at (x, z), `h` high."""
    w, t = 0.3 * h, 0.085 * h
    bars = {
        "a": (0, h / 2, w, t), "g": (0, 0, w, t), "d": (0, -h / 2, w, t),
        "b": (w, h / 4, t, h / 4), "c": (w, -h / 4, t, h / 4),
        "f": (-w, h / 4, t, h / 4), "e": (-w, -h / 4, t, h / 4),
    }  # fmt: skip
    for name in SEGMENTS[digit]:
        bx, bz, hw, hh = bars[name]
        low = (x + bx - hw, y - 0.006, z + bz - hh)
        builder.box(low, (x + bx + hw, y, z + bz + hh), "sign_black")


def _post(builder: MeshBuilder, height: float) -> None:
    builder.tube((0, 0, 0), (0, 0, height), (0.04, 0.04), "steel", 10)


def _speed_sign(speed: str) -> MeshBuilder:
    builder = MeshBuilder()
    _post(builder, 2.9)
    _disc(builder, 2.55, 0.38, -0.05, "sign_red", 24)
    _disc(builder, 2.55, 0.29, -0.06, "sign_white", 24)
    for digit, x in zip(speed, (-0.11, 0.11), strict=True):
        _digit(builder, digit, x, 2.55, 0.27, -0.06)
    return builder


def _shape_sign(sides: int, rim: str, face: str, radius: float) -> MeshBuilder:
    """A triangle, diamond, octagon or disc with a rim and a bar or dot."""
    builder = MeshBuilder()
    _post(builder, 2.75)
    _disc(builder, 2.5, radius, -0.05, rim, sides)
    _disc(builder, 2.5, 0.8 * radius, -0.06, face, sides)
    mark = "sign_white" if face in ("sign_red", "sign_blue") else "sign_black"
    bar = (0.55, 0.1) if sides == 8 else (0.09, 0.3)
    low = (-bar[0] * radius, -0.075, 2.5 - bar[1] * radius)
    builder.box(low, (bar[0] * radius, -0.06, 2.5 + bar[1] * radius), mark)
    return builder


def _board(
    builder: MeshBuilder, x: float, z: float, half: tuple[float, float], colour: str, y: float
) -> None:
    """A rectangular direction board with a rim and lines of writing."""
    w, h = half
    builder.box((x - w, y, z - h), (x + w, y + 0.05, z + h), "sign_white")
    builder.box((x - 0.96 * w, y - 0.01, z - 0.93 * h), (x + 0.96 * w, y, z + 0.93 * h), colour)
    for row, reach in ((0.45, 0.6), (0.0, 0.35), (-0.45, 0.5)):
        low = (x - 0.75 * w, y - 0.02, z + (row - 0.12) * h)
        builder.box(low, (x + (reach - 0.3) * w, y - 0.01, z + (row + 0.12) * h), "sign_white")
    low = (x + 0.62 * w, y - 0.02, z - 0.5 * h)
    builder.box(low, (x + 0.72 * w, y - 0.01, z + 0.5 * h), "sign_white")


def _direction_sign() -> MeshBuilder:
    builder = MeshBuilder()
    for x in (-0.9, 0.9):
        builder.tube((x, 0, 0), (x, 0, 3.4), (0.06, 0.06), "steel", 10)
    _board(builder, 0, 2.6, (1.4, 0.85), "sign_green", -0.12)
    return builder


def _gantry() -> MeshBuilder:
    """A portal over a carriageway 13 m wide with two boards."""
    builder = MeshBuilder()
    for x in (-7.5, 7.5):
        builder.tube((x, 0, -0.3), (x, 0, 6.6), (0.2, 0.16), "steel", 12)
    for z in (5.9, 6.5):
        builder.box((-7.5, -0.09, z), (7.5, 0.09, z + 0.14), "steel")
    _board(builder, -3.4, 6.0, (2.3, 1.2), "sign_green", -0.3)
    _board(builder, 2.6, 6.0, (2.3, 1.2), "sign_blue", -0.3)
    return builder


def _signal_head(builder: MeshBuilder, x: float, y: float, z: float, lit: str) -> None:
    """Three lamps in a black housing, the lowest edge at z."""
    builder.box((x - 0.17, y - 0.12, z), (x + 0.17, y + 0.12, z + 0.98), "sign_black")
    builder.box((x - 0.26, y + 0.02, z - 0.1), (x + 0.26, y + 0.04, z + 1.08), "sign_black")
    for k, name in enumerate(("green", "amber", "red")):
        centre = (x, y - 0.12, z + 0.17 + 0.32 * k)
        material = f"signal_{name}" if name == lit else "sign_back"
        builder.tube(centre, (x, y - 0.14, centre[2]), (0.11, 0.11), material, 14)


def _signal(lit: str, arm: float) -> MeshBuilder:
    """A traffic light; with an arm one head hangs `arm` metres to the left of the post."""
    builder = MeshBuilder()
    height = 5.9 if arm else 3.4
    builder.tube((0, 0, 0), (0, 0, height), (0.09, 0.06), "dark_steel", 12)
    _signal_head(builder, 0, -0.18, 2.3, lit)
    if arm:
        builder.tube((0, 0, 5.75), (-arm, 0, 5.95), (0.06, 0.045), "dark_steel", 10)
        _signal_head(builder, -arm + 0.3, -0.16, 5.2, lit)
    return builder


def _street_lamp(height: float, arm: float, material: str) -> MeshBuilder:
    """A tapering post with the lamp `arm` metres towards -y."""
    builder = MeshBuilder()
    builder.tube((0, 0, 0), (0, 0, 0.9), (0.12, 0.11), material, 12)
    builder.tube((0, 0, 0.9), (0, 0, height), (0.085, 0.05), material, 12)
    builder.tube((0, 0, height - 0.05), (0, -arm, height + 0.25), (0.045, 0.04), material, 8)
    low = (-0.14, -arm - 0.65, height + 0.2)
    builder.box(low, (0.14, -arm + 0.05, height + 0.32), material)
    builder.box((-0.11, -arm - 0.6, height + 0.17), (0.11, -arm, height + 0.2), "lamp")
    return builder


def _classic_lamp() -> MeshBuilder:
    builder = MeshBuilder()
    builder.tube((0, 0, 0), (0, 0, 0.6), (0.13, 0.08), "dark_steel", 12)
    builder.tube((0, 0, 0.6), (0, 0, 3.6), (0.055, 0.045), "dark_steel", 10)
    builder.ellipsoid((0, 0, 3.85), (0.24, 0.24, 0.28), "lamp", 12, 7)
    builder.tube((0, 0, 4.08), (0, 0, 4.25), (0.17, 0.03), "dark_steel", 10)
    return builder


def _utility_pole() -> MeshBuilder:
    builder = MeshBuilder()
    builder.tube((0, 0, -0.2), (0, 0, 8.6), (0.16, 0.11), "timber", 12)
    for z in (8.1, 7.4):
        builder.box((-1.1, -0.07, z), (1.1, 0.05, z + 0.12), "timber")
        for x in (-1.0, -0.5, 0.5, 1.0):
            builder.tube((x, 0, z + 0.12), (x, 0, z + 0.28), (0.04, 0.03), "lamp", 8)
    builder.tube((0.28, 0, 6.3), (0.28, 0, 7.1), (0.2, 0.2), "steel", 12)
    return builder


def _board_fence() -> MeshBuilder:
    builder = MeshBuilder()
    half = FENCE_LENGTH / 2
    builder.box((-half, -0.02, 0.06), (half, 0.02, 1.55), "boards")
    for x in (-half, 0):
        builder.box((x - 0.05, -0.06, 0), (x + 0.05, 0.06, 1.65), "boards")
    builder.box((-half, -0.05, 1.5), (half, 0.05, 1.56), "boards")
    return builder


def _picket_fence() -> MeshBuilder:
    builder = MeshBuilder()
    half = FENCE_LENGTH / 2
    for z in (0.3, 0.75):
        builder.box((-half, 0.0, z), (half, 0.04, z + 0.09), "railing")
    for x in np.arange(-half + 0.08, half, 0.17):
        builder.box((x - 0.05, -0.03, 0.08), (x + 0.05, 0.0, 1.0), "railing")
    return builder


def _railing() -> MeshBuilder:
    """A pedestrian railing of bars."""
    builder = MeshBuilder()
    half = FENCE_LENGTH / 2
    for z in (0.12, 1.0):
        builder.box((-half, -0.03, z), (half, 0.03, z + 0.06), "railing")
    for x in np.arange(-half + 0.05, half, 0.16):
        builder.box((x - 0.016, -0.016, 0.12), (x + 0.016, 0.016, 1.0), "railing")
    for x in (-half, 0.0):
        builder.box((x - 0.04, -0.04, 0), (x + 0.04, 0.04, 1.15), "railing")
    return builder


def _garden_wall() -> MeshBuilder:
    builder = MeshBuilder()
    half = FENCE_LENGTH / 2
    builder.box((-half, -0.12, -0.1), (half, 0.12, 0.85), "garden_wall")
    builder.box((-half, -0.16, 0.85), (half, 0.16, 0.93), "barrier")
    builder.box((-half - 0.18, -0.18, -0.1), (-half + 0.18, 0.18, 1.1), "garden_wall")
    return builder


def _noise_wall() -> MeshBuilder:
    """A sound barrier: concrete panels between posts, 3.2 m high."""
    builder = MeshBuilder()
    half = FENCE_LENGTH / 2
    for k, z in enumerate((0.0, 1.05, 2.1)):
        builder.box((-half, -0.06, z), (half, 0.06, z + 1.02), "garden_wall" if k else "barrier")
    builder.box((-half - 0.11, -0.11, -0.2), (-half + 0.11, 0.11, 3.3), "barrier")
    return builder


def _guard_rail() -> MeshBuilder:
    """A W-beam on posts; -y faces the carriageway."""
    builder = MeshBuilder()
    half = FENCE_LENGTH / 2
    profile = [(0.0, 0.45), (-0.08, 0.51), (-0.08, 0.56), (-0.02, 0.6), (-0.08, 0.64)]
    profile += [(-0.08, 0.69), (0.0, 0.75)]
    left = np.array([(-half, y, z) for y, z in profile])
    builder.strip(left, left + np.array([2 * half, 0, 0]), "rail")
    for x in (-half / 2, half / 2):
        builder.box((x - 0.05, 0.0, -0.2), (x + 0.05, 0.12, 0.74), "rail")
    return builder


def _concrete_barrier() -> MeshBuilder:
    builder = MeshBuilder()
    half = FENCE_LENGTH / 2
    profile = [(-0.3, 0), (-0.28, 0.08), (-0.14, 0.32), (-0.09, 0.85)]
    outline = profile + [(-y, z) for y, z in reversed(profile)]
    builder.prism([(-half, y, z) for y, z in outline], (2 * half, 0, 0), "barrier")
    return builder


def _clutter() -> dict[str, MeshBuilder]:
    bin_, bench, hydrant = MeshBuilder(), MeshBuilder(), MeshBuilder()
    bin_.tube((0, 0, 0), (0, 0, 0.9), (0.24, 0.3), "bin", 12)
    bin_.tube((0, 0, 0.9), (0, 0, 1.0), (0.31, 0.26), "bin", 12)
    for y, z in ((-0.16, 0.45), (0.0, 0.45), (0.16, 0.45), (0.25, 0.62), (0.28, 0.8)):
        bench.box((-0.9, y - 0.06, z), (0.9, y + 0.06, z + 0.04), "bench")
    for x in (-0.7, 0.7):
        bench.box((x - 0.04, -0.2, 0), (x + 0.04, 0.28, 0.45), "bin")
    hydrant.tube((0, 0, 0), (0, 0, 0.65), (0.13, 0.11), "hydrant", 12)
    hydrant.ellipsoid((0, 0, 0.66), (0.12, 0.12, 0.1), "hydrant", 10, 5)
    hydrant.tube((-0.2, 0, 0.48), (0.2, 0, 0.48), (0.06, 0.06), "hydrant", 8)
    return {"bin": bin_, "bench": bench, "hydrant": hydrant}


def furniture_meshes(materials: Mapping[str, bpy.types.Material]) -> dict[str, bpy.types.Mesh]:
    """All furniture meshes by name."""
    builders = {f"speed_{speed}": _speed_sign(speed) for speed in ("30", "50", "80")}
    builders |= {
        "warning_sign": _shape_sign(3, "sign_red", "sign_white", 0.5),
        "priority_sign": _shape_sign(4, "sign_white", "sign_yellow", 0.42),
        "stop_sign": _shape_sign(8, "sign_white", "sign_red", 0.42),
        "blue_sign": _shape_sign(24, "sign_white", "sign_blue", 0.36),
        "direction_sign": _direction_sign(),
        "gantry": _gantry(),
        "signal_red": _signal("red", 0),
        "signal_green": _signal("green", 0),
        "mast_signal_red": _signal("red", 3.6),
        "mast_signal_green": _signal("green", 3.6),
        "street_lamp": _street_lamp(7.2, 1.5, "steel"),
        "highway_lamp": _street_lamp(10.0, 2.2, "steel"),
        "dark_lamp": _street_lamp(6.2, 1.0, "dark_steel"),
        "classic_lamp": _classic_lamp(),
        "utility_pole": _utility_pole(),
        "board_fence": _board_fence(),
        "picket_fence": _picket_fence(),
        "railing": _railing(),
        "garden_wall": _garden_wall(),
        "noise_wall": _noise_wall(),
        "guard_rail": _guard_rail(),
        "concrete_barrier": _concrete_barrier(),
    }
    builders |= _clutter()
    return {name: builder.mesh(name, materials, 30.0) for name, builder in builders.items()}
