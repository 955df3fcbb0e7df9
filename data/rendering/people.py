"""Pedestrian meshes: lofted bodies in standing and walking poses; +y is forward, metres."""

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np
from geometry import MeshBuilder


@dataclass(frozen=True)
class Figure:
    """Pose (angles in degrees, forward positive) and outfit of a 1.75 m adult."""

    thighs: tuple[float, float] = (0.0, 0.0)
    knees: tuple[float, float] = (0.0, 0.0)
    arms: tuple[float, float] = (4.0, -3.0)
    elbows: tuple[float, float] = (8.0, 8.0)
    coat: bool = False
    skirt: bool = False
    long_hair: bool = False
    backpack: bool = False
    build: float = 1.0


FIGURES = {
    "stander": Figure(),
    "stander_skirt": Figure(skirt=True, long_hair=True, arms=(10, -4), build=0.92),
    "walker": Figure((24, -18), (6, 26), (-24, 26), (12, 24)),
    "walker_mirrored": Figure((-20, 26), (30, 8), (26, -24), (26, 12), backpack=True),
    "walker_coat": Figure((18, -14), (6, 18), (-18, 20), (12, 16), coat=True, build=1.08),
    "walker_long_hair": Figure((-18, 22), (26, 6), (20, -20), (20, 10), False, False, True),
    "phone": Figure(arms=(18, -3), elbows=(105, 8), backpack=True),
    "walker_skirt": Figure((16, -12), (4, 16), (-14, 16), (10, 14), False, True, True, False, 0.92),
}


def _ring(centre: np.ndarray, rx: float, ry: float, sides: int = 12) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    circle = np.stack([rx * np.cos(turn), ry * np.sin(turn), np.zeros(sides)], 1)
    return centre + circle


def _swing(length: float, degrees: float) -> np.ndarray:
    """A downward limb segment turned forward by an angle."""
    angle = np.radians(degrees)
    return length * np.array([0, np.sin(angle), -np.cos(angle)])


def _add_leg(builder: MeshBuilder, figure: Figure, side: int, lift: float) -> None:
    index = 0 if side < 0 else 1
    hip = np.array([side * 0.095, 0, 0.9 + lift])
    knee = hip + _swing(0.43, figure.thighs[index])
    ankle = knee + _swing(0.41, figure.thighs[index] - figure.knees[index])
    cloth = "skin" if figure.skirt else "trousers"
    size = figure.build
    builder.tube(hip, knee, (0.092 * size, 0.066 * size), cloth)
    builder.ellipsoid(knee, (0.066 * size,) * 3, cloth, 10, 5)
    builder.tube(knee, ankle, (0.066 * size, 0.05), cloth)
    foot = ankle + np.array([0, 0.06, -0.03])
    builder.ellipsoid(foot, (0.048, 0.13, 0.045), "shoes", 10, 5)


def _add_arm(builder: MeshBuilder, figure: Figure, side: int, lift: float) -> None:
    index = 0 if side < 0 else 1
    shoulder = np.array([side * 0.2 * figure.build, 0, 1.42 + lift])
    elbow = shoulder + _swing(0.3, figure.arms[index]) + [side * 0.035, 0, 0]
    wrist = elbow + _swing(0.26, figure.arms[index] + figure.elbows[index])
    builder.ellipsoid(shoulder, (0.062,) * 3, "shirt", 10, 5)
    builder.tube(shoulder, elbow, (0.056, 0.045), "shirt")
    builder.ellipsoid(elbow, (0.045,) * 3, "shirt", 8, 5)
    builder.tube(elbow, wrist, (0.045, 0.034), "shirt")
    builder.ellipsoid(wrist + _swing(0.05, figure.arms[index]), (0.03, 0.04, 0.06), "skin", 8, 5)


def _add_torso(builder: MeshBuilder, figure: Figure, lift: float) -> None:
    size = figure.build
    outline = [
        (0.84, 0.165, 0.115),
        (0.95, 0.17, 0.12),
        (1.08, 0.145, 0.1),
        (1.25, 0.17, 0.115),
        (1.38, 0.19, 0.11),
        (1.46, 0.14, 0.085),
        (1.5, 0.065, 0.06),
    ]
    heights = [np.array([0, 0, z + lift]) for z, _, _ in outline]
    rings = [
        _ring(c, rx * size, ry * size) for c, (_, rx, ry) in zip(heights, outline, strict=True)
    ]
    builder.loft(rings, lambda i, j: "trousers" if i == 0 and not figure.coat else "shirt")
    if figure.coat or figure.skirt:
        hem, flare = (0.5, 0.24) if figure.coat else (0.55, 0.25)
        parts = ((hem, flare), (0.8, 0.2), (1.02, 0.165))
        rings = [_ring(np.array([0, 0, z + lift]), r * size, 0.78 * r * size) for z, r in parts]
        builder.loft(rings, lambda i, j: "shirt" if figure.coat else "trousers")
    if figure.backpack:
        builder.ellipsoid((0, -0.17, 1.24 + lift), (0.14, 0.1, 0.2), "bag", 12, 7)


def _add_head(builder: MeshBuilder, figure: Figure, lift: float) -> None:
    builder.tube((0, 0, 1.46 + lift), (0, 0.01, 1.56 + lift), (0.055, 0.05), "skin")
    builder.ellipsoid((0, 0.015, 1.635 + lift), (0.075, 0.095, 0.115), "skin", 14, 9)
    builder.ellipsoid((0, -0.008, 1.672 + lift), (0.083, 0.098, 0.095), "hair", 14, 9)
    if figure.long_hair:
        builder.ellipsoid((0, -0.06, 1.56 + lift), (0.085, 0.06, 0.16), "hair", 12, 7)


def _figure_mesh(figure: Figure) -> MeshBuilder:
    """The figure with its lower foot on the ground."""
    drops = []
    for index in range(2):
        knee = _swing(0.43, figure.thighs[index])
        drops.append(-(knee + _swing(0.41, figure.thighs[index] - figure.knees[index]))[2])
    lift = max(drops) - 0.84 + 0.015
    builder = MeshBuilder()
    for side in (-1, 1):
        _add_leg(builder, figure, side, lift)
        _add_arm(builder, figure, side, lift)
    _add_torso(builder, figure, lift)
    _add_head(builder, figure, lift)
    return builder


def person_meshes(materials: Mapping[str, bpy.types.Material]) -> dict[str, bpy.types.Mesh]:
    """All pedestrian meshes by figure name."""
    return {name: _figure_mesh(f).mesh(name, materials, 70.0) for name, f in FIGURES.items()}
