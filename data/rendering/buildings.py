"""Building meshes: town houses, blocks, detached houses, halls; the street is at -y, metres."""

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np
from geometry import MeshBuilder


@dataclass(frozen=True)
class Openings:
    """A regular grid of windows: pitch along the wall, size, sill height above the floor."""

    pitch: float
    width: float
    height: float
    sill: float
    frame: str
    mullion: bool = True


class Wall:
    """One upright wall: `across` metres to the right and `up` metres high map to the mesh."""

    def __init__(self, builder: MeshBuilder, origin: np.ndarray, direction: np.ndarray) -> None:
        self.builder = builder
        self.origin = origin
        self.direction = direction
        self.inward = np.array([-direction[1], direction[0], 0.0])

    def at(self, across: float, up: float, deep: float = 0.0) -> np.ndarray:
        """The point `deep` metres behind the wall's face."""
        return self.origin + across * self.direction + deep * self.inward + [0, 0, up]

    def patch(self, a0: float, a1: float, u0: float, u1: float, name: str, deep: float = 0) -> None:
        """A rectangle parallel to the wall."""
        corners = [(a0, u0), (a1, u0), (a1, u1), (a0, u1)]
        self.builder.add([self.at(a, u, deep) for a, u in corners], [(0, 1, 2, 3)], name)

    def slab(
        self, a0: float, a1: float, u0: float, u1: float, out: float, deep: float, name: str
    ) -> None:
        """A box standing `out` metres proud of the wall and `deep` metres into it."""
        outline = [self.at(a, u, -out) for a, u in ((a0, u0), (a1, u0), (a1, u1), (a0, u1))]
        self.builder.prism(outline, (out + deep) * self.inward, name)

    def opening(self, a0: float, a1: float, u0: float, u1: float, wall: str, glass: str) -> None:
        """The four reveals and the recessed pane of an opening."""
        deep, b = 0.16, self.builder
        for (p, q), (r, s) in (
            ((a0, u0), (a1, u0)),
            ((a1, u0), (a1, u1)),
            ((a1, u1), (a0, u1)),
            ((a0, u1), (a0, u0)),
        ):
            b.quad(self.at(p, q), self.at(r, s), self.at(r, s, deep), self.at(p, q, deep), wall)
        self.patch(a0, a1, u0, u1, glass, deep)

    def window(self, a0: float, a1: float, u0: float, u1: float, wall: str, o: Openings) -> None:
        """An opening with frame, mullions and sill."""
        self.opening(a0, a1, u0, u1, wall, "window")
        bars = [(a0, a0 + 0.07, u0, u1), (a1 - 0.07, a1, u0, u1)]
        bars += [(a0, a1, u0, u0 + 0.07), (a0, a1, u1 - 0.07, u1)]
        if o.mullion:
            middle = (a0 + a1) / 2
            bars += [(middle - 0.035, middle + 0.035, u0, u1)]
            bars += [(a0, a1, u0 + 0.68 * (u1 - u0), u0 + 0.68 * (u1 - u0) + 0.05)]
        for bar in bars:
            self.slab(*bar, -0.11, 0.16, o.frame)
        self.slab(a0 - 0.08, a1 + 0.08, u0 - 0.08, u0, 0.08, 0.05, "stone")

    def storey(self, width: float, u0: float, u1: float, wall: str, o: Openings) -> None:
        """A strip of wall with as many windows as fit."""
        count = max(1, int((width - 0.6) / o.pitch))
        if width < o.width + 0.5:
            self.patch(0, width, u0, u1, wall)
            return
        left = (width - count * o.pitch) / 2
        low, high = u0 + o.sill, min(u0 + o.sill + o.height, u1 - 0.15)
        self.patch(0, width, u0, low, wall)
        self.patch(0, width, high, u1, wall)
        edge = 0.0
        for k in range(count):
            a0 = left + k * o.pitch + (o.pitch - o.width) / 2
            self.patch(edge, a0, low, high, wall)
            self.window(a0, a0 + o.width, low, high, wall, o)
            edge = a0 + o.width
        self.patch(edge, width, low, high, wall)

    def shop(self, width: float, top: float, wall: str) -> None:
        """A ground floor of shop windows under a coloured fascia, with an awning."""
        bays = max(2, int(width / 3.6))
        pitch = width / bays
        for k in range(bays):
            a0, a1 = k * pitch + 0.22, (k + 1) * pitch - 0.22
            self.slab(k * pitch, a0, 0, top, 0.04, 0.1, "stone")
            self.slab(a1, (k + 1) * pitch, 0, top, 0.04, 0.1, "stone")
            door = k % 3 == 1
            self.slab(a0, a1, 0, 0.12 if door else 0.5, -0.02, 0.3, "frame_dark")
            self.opening(a0, a1, 0.12 if door else 0.5, top - 0.9, wall, "window")
            for a in np.linspace(a0, a1, 3 if door else 2):
                self.slab(a - 0.04, a + 0.04, 0.1, top - 0.9, -0.08, 0.2, "frame_dark")
        self.slab(0.1, width - 0.1, top - 0.9, top - 0.2, 0.1, 0.3, "accent")
        self.slab(0, width, top - 0.2, top, 0.16, 0.3, "stone")
        if bays % 2:
            low, high = top - 1.25, top - 0.85
            corners = [self.at(0.4, high, -0.1), self.at(width - 0.4, high, -0.1)]
            corners += [self.at(width - 0.4, low, -1.3), self.at(0.4, low, -1.3)]
            self.builder.prism(corners, (0, 0, 0.05), "accent")


@dataclass(frozen=True)
class Block:
    """A town building with a flat or mansard roof."""

    width: float
    depth: float
    floors: int
    wall: str
    openings: Openings
    shop: bool = False
    balconies: bool = False
    mansard: bool = False


CLASSIC = Openings(2.3, 1.15, 1.75, 0.85, "frame_white")
MODERN = Openings(3.0, 2.1, 1.5, 0.9, "frame_dark", mullion=False)
TALL = Openings(1.9, 1.05, 2.05, 0.6, "frame_dark")
RIBBON = Openings(1.6, 1.5, 1.9, 0.75, "frame_dark", mullion=False)

BLOCKS = {
    "town_brick": Block(13, 12, 4, "brick", CLASSIC, shop=True),
    "town_plaster": Block(15, 12, 5, "plaster", TALL, shop=True, mansard=True),
    "town_narrow": Block(9, 12, 4, "plaster", CLASSIC, mansard=True),
    "town_modern": Block(19, 14, 6, "plaster", MODERN, balconies=True),
    "town_tall": Block(17, 14, 8, "brick", MODERN, shop=True),
    "office": Block(24, 16, 7, "plaster", RIBBON, shop=True),
    "town_low": Block(12, 11, 2, "brick", TALL, shop=True),
    "town_apartments": Block(21, 13, 5, "brick", CLASSIC, balconies=True),
    "tower": Block(22, 20, 14, "plaster", RIBBON),
}
FLOOR, GROUND_FLOOR = 3.15, 4.1


def _walls(builder: MeshBuilder, width: float, depth: float) -> list[tuple[Wall, float]]:
    """Front, right, back and left walls with their lengths."""
    w, d = width / 2, depth / 2
    corners = [((-w, -d), (1, 0)), ((w, -d), (0, 1)), ((w, d), (-1, 0)), ((-w, d), (0, -1))]
    lengths = (width, depth, width, depth)
    return [
        (Wall(builder, np.array([*origin, 0.0]), np.array([*along, 0.0])), length)
        for (origin, along), length in zip(corners, lengths, strict=True)
    ]


def _mansard(builder: MeshBuilder, block: Block, base: float) -> None:
    """A steep roof with dormers on the street side."""
    w, d, rise, inset = block.width / 2, block.depth / 2, 2.8, 1.1
    low = np.array([(-w, -d, base), (w, -d, base), (w, d, base), (-w, d, base)])
    high = low * [1 - inset / w, 1 - inset / d, 1] + [0, 0, rise]
    builder.loft([low, high], lambda i, j: "roof", ("roof", "flat_roof"))
    for x in np.arange(-w + 2.2, w - 1.5, 3.0):
        builder.box((x - 0.7, -d + 0.25, base + 0.3), (x + 0.7, -d + 2, base + 2.1), "frame_white")
        low_pane = (x - 0.5, -d + 0.23, base + 0.5)
        builder.box(low_pane, (x + 0.5, -d + 0.3, base + 1.8), "window")


def _block(block: Block) -> MeshBuilder:
    builder = MeshBuilder()
    ground = GROUND_FLOOR if block.shop else FLOOR + 0.3
    top = ground + (block.floors - 1) * FLOOR
    for side, (wall, length) in enumerate(_walls(builder, block.width, block.depth)):
        if side == 0 and block.shop:
            wall.shop(length, ground, block.wall)
        else:
            wall.storey(length, 0, ground, block.wall, block.openings)
        for floor in range(block.floors - 1):
            low = ground + floor * FLOOR
            wall.storey(length, low, low + FLOOR, block.wall, block.openings)
            if side == 0 and block.balconies:
                _balconies(wall, length, low)
        wall.slab(-0.12, length + 0.12, 0, 0.45, 0.05, 0, "stone")
        wall.slab(-0.2, length + 0.2, top - 0.05, top + 0.3, 0.22, 0.2, "stone")
        if not block.mansard:
            wall.slab(0, length, top + 0.3, top + 0.9, 0, 0.25, block.wall)
    w, d = block.width / 2, block.depth / 2
    builder.box((-w, -d, top), (w, d, top + 0.2), "flat_roof")
    if block.mansard:
        _mansard(builder, block, top + 0.2)
    else:
        builder.box((-0.4 * w, -0.2 * d, top), (0.1 * w, 0.5 * d, top + 2.4), "plaster")
    return builder


def _balconies(wall: Wall, length: float, low: float) -> None:
    for a in np.arange(1.6, length - 3.4, 6.1):
        wall.slab(a, a + 3.2, low, low + 0.16, 1.2, 0, "stone")
        wall.slab(a, a + 3.2, low + 0.2, low + 1.05, 1.2, -1.14, "accent")
        for edge in (a, a + 3.16):
            wall.slab(edge, edge + 0.04, low + 0.2, low + 1.05, 1.2, 0, "accent")


@dataclass(frozen=True)
class House:
    """A detached house with a pitched roof, ridge along x (or along y if `gable_front`)."""

    width: float
    depth: float
    floors: int
    wall: str
    rise: float
    gable_front: bool = False
    garage: bool = False
    porch: bool = False


HOUSE_WINDOWS = Openings(2.7, 1.35, 1.3, 0.95, "frame_white")
HOUSES = {
    "house_wood": House(10, 8.5, 2, "siding", 3.0, porch=True),
    "house_brick": House(11, 9, 2, "brick", 3.4, gable_front=True),
    "bungalow": House(13, 9, 1, "plaster", 2.7, garage=True),
    "cottage": House(9, 8, 1, "brick", 3.6, porch=True),
    "house_plaster": House(10, 9, 2, "plaster", 3.6, garage=True),
    "house_siding": House(9, 10, 2, "siding", 3.8, gable_front=True, porch=True),
}


def _gable_roof(
    builder: MeshBuilder, half: tuple[float, float], base: float, rise: float, wall: str, turn: bool
) -> None:
    """Two slopes with an overhang and the gable walls; `turn` puts the ridge along y."""
    w, d = half if not turn else half[::-1]

    def place(x: float, y: float, z: float) -> tuple[float, float, float]:
        return (-y, x, z) if turn else (x, y, z)

    over, thick = 0.45, 0.16
    drop = rise / d * over
    for side in (-1, 1):
        eave, ridge = side * (d + over), 0.0
        outline = [(-w - over, eave, base - drop), (w + over, eave, base - drop)]
        outline += [(w + over, ridge, base + rise), (-w - over, ridge, base + rise)]
        builder.prism([place(*p) for p in outline], (0, 0, thick), "roof")
        low, high = sorted((side * (d + over), side * (d + over - 0.1)))
        a, b = place(-w - over, low, base - drop - 0.05), place(w + over, high, base - drop + 0.1)
        builder.box(np.minimum(a, b), np.maximum(a, b), "frame_white")
    for x in (-w, w):
        gable = [place(x, -d, base), place(x, d, base), place(x, 0, base + rise)]
        builder.add(gable, [(0, 1, 2)], wall)
        pane = np.array([place(x - 0.05, -0.5, base + 0.5), place(x + 0.05, 0.5, base + 1.5)])
        builder.box(pane.min(0), pane.max(0), "window")


def _add_porch(builder: MeshBuilder, x: float, front: float) -> None:
    builder.box((x - 1.5, front - 1.6, 0), (x + 1.5, front, 0.25), "stone")
    builder.prism(
        [(x - 1.7, front - 1.8, 2.5), (x + 1.7, front - 1.8, 2.5), (x + 1.7, front, 2.95),
         (x - 1.7, front, 2.95)], (0, 0, 0.12), "roof",
    )  # fmt: skip
    for side in (-1.35, 1.35):
        builder.box(
            (x + side - 0.07, front - 1.55, 0.2), (x + side + 0.07, front - 1.4, 2.6), "frame_white"
        )


def _house(house: House) -> MeshBuilder:
    builder = MeshBuilder()
    top, w, d = house.floors * 2.8 + 0.3, house.width / 2, house.depth / 2
    for side, (wall, length) in enumerate(_walls(builder, house.width, house.depth)):
        for floor in range(house.floors):
            low = 0.3 + floor * 2.8
            wall.storey(length, low, low + 2.8, house.wall, HOUSE_WINDOWS)
        wall.slab(-0.03, length + 0.03, -0.4, 0.35, 0.04, 0.1, "stone")
        if side == 0:
            a = 0.34 * length
            wall.slab(a - 0.15, a + 1.25, 0.2, 2.65, 0.04, 0, "frame_white")
            wall.slab(a, a + 1.1, 0.2, 2.5, 0.07, 0, "accent")
    _gable_roof(builder, (w, d), top, house.rise, house.wall, house.gable_front)
    builder.box((0.45 * w, -0.1, top), (0.45 * w + 0.8, 0.7, top + house.rise + 0.8), "stone")
    if house.porch:
        _add_porch(builder, -w + 0.34 * house.width + 0.55, -d)
    if house.garage:
        builder.box((w, -d + 0.6, -0.3), (w + 3.6, d - 1, 2.75), house.wall)
        builder.box((w - 0.1, -d + 0.4, 2.75), (w + 3.8, d - 0.8, 2.95), "flat_roof")
        builder.box((w + 0.5, -d + 0.56, -0.1), (w + 3.1, -d + 0.62, 2.2), "frame_white")
    return builder


def _hall(width: float, depth: float, height: float) -> MeshBuilder:
    """A warehouse of ribbed sheet with loading doors and a fascia."""
    builder = MeshBuilder()
    w, d = width / 2, depth / 2
    builder.box((-w, -d, -0.3), (w, d, height), "sheet")
    builder.box((-w - 0.1, -d - 0.1, height - 0.9), (w + 0.1, d + 0.1, height + 0.3), "accent")
    for x in np.arange(-w + 4, w - 5, 7.5):
        builder.box((x, -d - 0.04, 0), (x + 3.6, -d, 3.9), "frame_white")
        builder.box((x + 4.4, -d - 0.04, 3.2), (x + 6.6, -d, 4.6), "window")
    return builder


BUILDING_SIZES = (
    {name: (block.width, block.depth) for name, block in BLOCKS.items()}
    | {name: (house.width, house.depth) for name, house in HOUSES.items()}
    | {"hall": (38.0, 24.0), "hall_long": (60.0, 26.0)}
)


def building_meshes(materials: Mapping[str, bpy.types.Material]) -> dict[str, bpy.types.Mesh]:
    """All building meshes by name."""
    builders = {name: _block(block) for name, block in BLOCKS.items()}
    builders |= {name: _house(house) for name, house in HOUSES.items()}
    builders |= {"hall": _hall(38, 24, 8.5), "hall_long": _hall(60, 26, 10.5)}
    return {name: builder.mesh(name, materials, 30.0) for name, builder in builders.items()}
