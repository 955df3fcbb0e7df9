"""Random street layouts: roads, buildings, plants, furniture; everything that stands still."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
from buildings import BUILDING_SIZES
from furniture import FENCE_LENGTH
from paths import Path, Road, Section, inside
from splits import scene_and_shape, seed_of

STREET_SPAN: Final = (-40.0, 330.0)
CROSS_SPAN: Final = (-150.0, 150.0)
GROUND: Final = -0.05
KERB: Final = 0.13

Colour = tuple[float, float, float]
Choice = TypeVar("Choice")

WALL_COLOURS: Final[dict[str, list[Colour]]] = {
    "brick": [(0.3, 0.11, 0.07), (0.24, 0.12, 0.08), (0.36, 0.2, 0.13), (0.42, 0.33, 0.24)],
    "plaster": [
        (0.6, 0.55, 0.44), (0.55, 0.42, 0.25), (0.5, 0.5, 0.48), (0.62, 0.6, 0.55),
        (0.5, 0.31, 0.22), (0.36, 0.42, 0.43), (0.58, 0.48, 0.4), (0.33, 0.33, 0.34),
    ],
    "siding": [(0.62, 0.62, 0.58), (0.2, 0.3, 0.36), (0.5, 0.45, 0.3), (0.35, 0.1, 0.07)],
    "sheet": [(0.42, 0.44, 0.45), (0.2, 0.28, 0.36), (0.5, 0.48, 0.42)],
}  # fmt: skip
ROOFS: Final[list[Colour]] = [
    (0.2, 0.075, 0.045), (0.085, 0.08, 0.08), (0.14, 0.07, 0.05), (0.07, 0.075, 0.09),
]  # fmt: skip
ACCENTS: Final[list[Colour]] = [
    (0.3, 0.03, 0.03), (0.03, 0.1, 0.2), (0.03, 0.14, 0.07), (0.03, 0.03, 0.035),
    (0.5, 0.3, 0.05), (0.5, 0.5, 0.48), (0.2, 0.1, 0.05), (0.05, 0.2, 0.22),
]  # fmt: skip
LEAVES: Final[list[Colour]] = [
    (0.085, 0.165, 0.028), (0.065, 0.135, 0.03), (0.13, 0.19, 0.04), (0.05, 0.115, 0.035),
]  # fmt: skip
AUTUMN: Final[list[Colour]] = [(0.34, 0.19, 0.03), (0.3, 0.1, 0.02), (0.26, 0.2, 0.03)]
FENCES: Final[list[Colour]] = [(0.6, 0.6, 0.57), (0.035, 0.04, 0.04), (0.25, 0.15, 0.08)]


@dataclass(frozen=True)
class Placement:
    """One object: a mesh name, position and turn (radians), scale, and named colours."""

    asset: str
    x: float
    y: float
    z: float
    turn: float
    scale: float = 1.0
    colours: dict[str, Colour] = field(default_factory=dict)


@dataclass
class Layout:
    """One street. `zebras` holds the s of pedestrian crossings on the main road."""

    split: str
    number: int
    seed: int
    scene: str
    shape: str
    roads: list[Road]
    junction: float | None
    asphalt: Colour
    paving: Colour
    grass: Colour
    dry: Colour
    hills: float
    yellow_centre: bool
    zebras: list[float] = field(default_factory=list)
    objects: list[Placement] = field(default_factory=list)


def pick(rng: np.random.Generator, options: Sequence[Choice]) -> Choice:
    """One of the options, all equally likely."""
    return options[int(rng.integers(len(options)))]


def shade(rng: np.random.Generator, colours: Sequence[Colour], jitter: float) -> Colour:
    """One of the colours, made up to `jitter` (a fraction) darker or brighter."""
    red, green, blue = pick(rng, colours)
    factor = 1 + rng.uniform(-jitter, jitter)
    return factor * red, factor * green, factor * blue


def beside(road: Road, s: float, d: float, faces: str) -> tuple[float, float, float]:
    """(x, y, turn) of an object whose -y faces the "road" or the "traffic" of its side."""
    x, y = road.path.point(s, d)
    angle = road.path.angle(s)
    if faces == "road":
        return x, y, angle - np.pi if d > 0 else angle
    return x, y, angle - np.pi / 2 if d > 0 else angle + np.pi / 2


def _section(rng: np.random.Generator, scene: str, shape: str) -> Section:
    if scene == "residential":
        parking = 2.2 if rng.random() < 0.45 else 0.0
        verge = float(rng.choice([0.0, 1.6]))
        return Section(1, 3.1, parking=parking, verge=verge, sidewalk=rng.uniform(1.8, 2.6))
    if scene == "urban":
        lanes = int(rng.integers(1, 3))
        parking = 2.3 if rng.random() < 0.45 else 0.0
        return Section(lanes, 3.2, parking=parking, sidewalk=rng.uniform(3.0, 5.0))
    if shape == "crossing":
        return Section(int(rng.integers(1, 3)), 3.5, shoulder=1.6)
    return Section(int(rng.integers(2, 4)), 3.6, shoulder=2.6, median=3.2)


def _roads(rng: np.random.Generator, scene: str, shape: str) -> tuple[list[Road], float | None]:
    """The main road, and on a crossing the side road."""
    radius = rng.uniform(260, 480) if scene == "highway" else rng.uniform(80, 190)
    curvature = rng.choice([-1, 1]) / radius if shape == "curved" else 0.0
    main = Path(np.zeros(2), np.pi / 2, STREET_SPAN, curvature, rng.uniform(5, 35))
    section = _section(rng, scene, shape)
    if shape != "crossing":
        return [Road(main, section, (STREET_SPAN,))], None
    junction = float(rng.uniform(45, 85))
    side = _section(rng, scene, shape)
    low, high = junction - side.road_half, junction + side.road_half
    roads = [Road(main, section, ((STREET_SPAN[0], low), (high, STREET_SPAN[1])), side.road_half)]
    cross = Path(np.array(main.point(junction, 0)), 0.0, CROSS_SPAN, 0.0, 0.0)
    edge = section.outer
    spans = ((CROSS_SPAN[0], -edge), (edge, CROSS_SPAN[1]))
    return [*roads, Road(cross, side, spans, edge)], junction


def make_layout(split: str, number: int) -> Layout:
    """Layout `number` of a split; scene and shape cycle through their nine combinations."""
    seed = seed_of(split, "layout", number)
    rng = np.random.default_rng(seed)
    scene, shape = scene_and_shape(number)
    roads, junction = _roads(rng, scene, shape)
    grey = rng.uniform(0.06, 0.17)
    paving = rng.uniform(0.2, 0.36)
    dry = rng.random() < 0.3
    layout = Layout(
        split, number, seed, scene, shape, roads, junction,
        asphalt=(grey, grey * 0.99, grey * rng.uniform(0.94, 1.02)),
        paving=(paving, paving * 0.96, paving * rng.uniform(0.84, 0.98)),
        grass=(0.105, 0.12, 0.035) if dry else (0.055, 0.1, 0.02),
        dry=(0.2, 0.16, 0.075) if dry else (0.12, 0.125, 0.045),
        hills=rng.uniform(3, 16) if scene == "highway" else rng.uniform(1, 8),
        yellow_centre=bool(rng.random() < 0.4),
    )  # fmt: skip
    for index, road in enumerate(roads):
        {"residential": _residential, "urban": _urban, "highway": _highway}[scene](
            layout, road, rng, index == 0
        )
    if junction is not None:
        _junction(layout, junction, rng)
    _backdrop(layout, rng)
    return layout


def _put(
    layout: Layout,
    road: Road,
    asset: str,
    s: float,
    d: float,
    faces: str = "road",
    *,
    z: float | None = None,
    spin: float = 0.0,
    scale: float = 1.0,
    colours: dict[str, Colour] | None = None,
) -> None:
    """Add an object beside a road, on the sidewalk or the ground unless z is given."""
    x, y, turn = beside(road, s, d, faces)
    if z is None:
        paved = road.section.sidewalk > 0 and abs(d) <= road.section.outer
        z = KERB if paved else GROUND
    layout.objects.append(Placement(asset, x, y, z, turn + spin, scale, colours or {}))


def _plant(
    layout: Layout, road: Road, rng: np.random.Generator, kind: str, s: float, d: float
) -> None:
    """A plant with its own size, turn and green; some trees of a dry layout are in autumn."""
    autumn = layout.dry[0] > 0.15 and kind not in ("spruce", "fir", "hedge") and rng.random() < 0.4
    tint = shade(rng, AUTUMN if autumn else LEAVES, 0.3)
    spin = 0.0 if kind == "hedge" else rng.uniform(0, 2 * np.pi)
    scale = 1.0 if kind == "hedge" else rng.uniform(0.75, 1.2)
    _put(layout, road, kind, s, d, colours={"tint": tint}, spin=spin, scale=scale)


def _build(
    layout: Layout, road: Road, rng: np.random.Generator, name: str, s: float, d: float
) -> None:
    wall = {"hall": "sheet", "hall_long": "sheet"}.get(name) or _wall_of(name)
    colours = {
        "tint": shade(rng, WALL_COLOURS[wall], 0.2),
        "roof": shade(rng, ROOFS, 0.2),
        "accent": shade(rng, ACCENTS, 0.2),
    }
    _put(layout, road, name, s, d, z=GROUND, colours=colours)


def _wall_of(name: str) -> str:
    brick = ("town_brick", "town_tall", "town_low", "town_apartments", "house_brick", "cottage")
    if name in brick:
        return "brick"
    return "siding" if name in ("house_wood", "house_siding") else "plaster"


def _row(
    layout: Layout,
    road: Road,
    rng: np.random.Generator,
    names: list[str],
    setback: float,
    gap: tuple[float, float],
    keep_clear: float = 0.0,
) -> list[tuple[int, float, float]]:
    """Buildings along both sides; returns (side, start, end) of each lot in s."""
    lots = []
    for side in (-1, 1):
        for low, high in road.spans:
            s = low + (keep_clear if low > -100 and road.junction_half else 0.0)
            end = high - (keep_clear if high < 100 and road.junction_half else 0.0)
            while True:
                name = pick(rng, names)
                width, depth = BUILDING_SIZES[name]
                space = rng.uniform(*gap)
                if s + width + space > end:
                    break
                d = side * (road.section.outer + setback + depth / 2)
                _build(layout, road, rng, name, s + (width + space) / 2, d)
                lots.append((side, s, s + width + space))
                s += width + space
    return lots


HOUSE_NAMES: Final = [
    "house_wood", "house_brick", "bungalow", "cottage", "house_plaster", "house_siding",
]  # fmt: skip
TOWN_NAMES: Final = [
    "town_brick", "town_plaster", "town_narrow", "town_modern", "town_tall", "office",
    "town_low", "town_apartments",
]  # fmt: skip
BROADLEAF: Final = ["linden", "maple", "plane", "birch"]


def _residential(layout: Layout, road: Road, rng: np.random.Generator, main: bool) -> None:
    section = road.section
    setback = rng.uniform(4.0, 8.0)
    clear = 6.0 if main else 18.0
    lots = _row(layout, road, rng, HOUSE_NAMES, setback, (4.5, 9.0), clear)
    for side, start, end in lots:
        boundary = str(rng.choice(["board_fence", "picket_fence", "garden_wall", "hedge", "none"]))
        _boundary(layout, road, rng, boundary, side, start + 0.5, end - 3.5)
        for _ in range(int(rng.integers(1, 4))):
            kind = pick(rng, ["shrub_a", "shrub_b", "small_tree", "fir", "birch", "shrub_a"])
            d = section.outer + rng.uniform(1.2, max(1.3, setback - 1.5))
            if kind in ("birch", "fir"):
                d = section.outer + 0.6 * setback
            _plant(layout, road, rng, kind, rng.uniform(start, end), side * d)
        _plant(layout, road, rng, pick(rng, BROADLEAF), end, side * (section.outer + setback + 13))
    if section.verge:
        _avenue(layout, road, rng, section.road_half + 0.85, 13.0, ["linden", "small_tree"])
    lamp = pick(rng, ["dark_lamp", "classic_lamp", "street_lamp"])
    _lamps(layout, road, rng, lamp, section.road_half + 0.35, 28.0)
    if rng.random() < 0.5:
        for s in np.arange(-30, 300, 36.0):
            if inside(s, road.spans, 4):
                _put(layout, road, "utility_pole", s, section.outer + 0.4, "traffic")
    _signs(layout, road, rng, ["speed_30", "warning_sign", "priority_sign", "blue_sign"], 32.0)
    _clutter(layout, road, rng, ["bin", "hydrant"], 45.0)


def _boundary(
    layout: Layout,
    road: Road,
    rng: np.random.Generator,
    kind: str,
    side: int,
    start: float,
    end: float,
) -> None:
    """Fence or hedge pieces along a front garden, with a gap for the path."""
    if kind == "none":
        return
    colours = {"tint": shade(rng, WALL_COLOURS["plaster"], 0.2), "accent": shade(rng, FENCES, 0.1)}
    if kind == "board_fence":
        colours["tint"] = pick(rng, [(0.28, 0.17, 0.09), (0.3, 0.27, 0.24), (0.12, 0.07, 0.04)])
    d = side * (road.section.outer + 0.35)
    for s in np.arange(start + FENCE_LENGTH / 2, end, FENCE_LENGTH):
        if not inside(s, road.spans, FENCE_LENGTH / 2):
            continue
        if kind == "hedge":
            _plant(layout, road, rng, kind, s, d)
        else:
            _put(layout, road, kind, s, d, z=GROUND, colours=colours)


def _urban(layout: Layout, road: Road, rng: np.random.Generator, main: bool) -> None:
    section = road.section
    clear = 0.3 if main else 14.5
    if main:
        clear = road.junction_half and (layout.roads[1].section.outer - road.junction_half + 0.4)
    gap = (0.0, 0.1) if rng.random() < 0.6 else (0.0, 7.0)
    lots = _row(layout, road, rng, TOWN_NAMES, 0.15, gap, clear)
    for side, _, end in lots:
        if rng.random() < 0.35:
            d = side * (section.outer + rng.uniform(32, 60))
            if inside(end, road.spans, 25):
                _build(layout, road, rng, "tower", end, d)
    if rng.random() < 0.75:
        kinds = ["linden", "small_tree"] if section.sidewalk < 4 else ["linden", "maple"]
        _avenue(layout, road, rng, section.road_half + 0.9, rng.uniform(11, 20), kinds)
    lamp = pick(rng, ["street_lamp", "dark_lamp", "classic_lamp"])
    _lamps(layout, road, rng, lamp, section.road_half + 0.4, 24.0)
    _signs(layout, road, rng, ["speed_50", "blue_sign", "priority_sign", "stop_sign"], 24.0)
    if rng.random() < 0.7:
        colours = {"accent": shade(rng, FENCES, 0.1)}
        for side in (-1, 1):
            first = rng.uniform(-10, 60)
            for s in np.arange(first, first + rng.uniform(16, 60), FENCE_LENGTH):
                if inside(s, road.spans, 7):
                    d = side * (section.road_half + 0.3)
                    _put(layout, road, "railing", s, d, colours=colours)
    if main and layout.junction is None:
        layout.zebras = [float(rng.uniform(30, 80)), float(rng.uniform(110, 180))]
        lit = str(rng.choice(["red", "green"]))
        if rng.random() < 0.6:
            for side in (-1, 1):
                s = layout.zebras[0] - 3.0 * side
                d = side * (section.road_half + 0.5)
                _put(layout, road, f"signal_{lit}", s, d, "traffic")
    _clutter(layout, road, rng, ["bin", "bench", "hydrant"], 22.0)


def _highway(layout: Layout, road: Road, rng: np.random.Generator, main: bool) -> None:
    section = road.section
    edge = section.road_half + 0.6
    for side in (-1, 1):
        wall = main and rng.random() < 0.3
        rail = rng.random() < 0.85
        offset = side * (edge + 3.0)
        tint = {"tint": shade(rng, WALL_COLOURS["plaster"], 0.2)}
        for s in np.arange(STREET_SPAN[0], STREET_SPAN[1], FENCE_LENGTH):
            if not inside(s, road.spans, 9 if layout.junction else 0):
                continue
            if rail:
                _put(layout, road, "guard_rail", s, side * edge)
            if wall and s > 0:
                _put(layout, road, "noise_wall", s, offset, colours=tint)
    if section.median:
        kind = str(rng.choice(["guard_rail", "concrete_barrier"]))
        for s in np.arange(STREET_SPAN[0], STREET_SPAN[1], FENCE_LENGTH):
            if kind == "guard_rail":
                for d in (-0.25, 0.25):
                    _put(layout, road, kind, s, d, spin=np.pi)
            else:
                _put(layout, road, kind, s, 0.0, z=0.0)
    _roadside(layout, road, rng)
    if main:
        _overhead(layout, road, rng)
    _signs(layout, road, rng, ["speed_80", "warning_sign", "direction_sign", "speed_80"], 45.0)
    _lamps(layout, road, rng, "highway_lamp", edge + 0.8, 45.0)


def _roadside(layout: Layout, road: Road, rng: np.random.Generator) -> None:
    """Woods, shrubs and halls beyond the verge of a highway."""
    section = road.section
    for side in (-1, 1):
        density = rng.uniform(0.3, 1.0)
        kinds = BROADLEAF if rng.random() < 0.6 else ["spruce", "fir", "spruce", "birch"]
        for s in np.arange(STREET_SPAN[0], STREET_SPAN[1], 6.5):
            if rng.random() > density or not inside(s, road.spans, 12):
                continue
            d = section.outer + rng.uniform(9, 32)
            _plant(layout, road, rng, pick(rng, kinds), s + rng.uniform(-3, 3), side * d)
            if rng.random() < 0.5:
                d = section.outer + rng.uniform(5, 9)
                _plant(layout, road, rng, pick(rng, ["shrub_a", "shrub_b"]), s, side * d)
        for s in (rng.uniform(40, 120), rng.uniform(170, 260)):
            if rng.random() < 0.6 and inside(s, road.spans, 40):
                d = side * (section.outer + rng.uniform(50, 80))
                _build(layout, road, rng, pick(rng, ["hall", "hall_long", "office"]), s, d)


def _overhead(layout: Layout, road: Road, rng: np.random.Generator) -> None:
    """Gantries over the right-hand carriageway."""
    if not road.section.median or rng.random() < 0.25:
        return
    middle = (road.section.median / 2 + road.section.road_half) / 2
    for s in (rng.uniform(60, 110), rng.uniform(170, 260)):
        _put(layout, road, "gantry", s, middle, "traffic", z=0.0)


def _avenue(
    layout: Layout,
    road: Road,
    rng: np.random.Generator,
    offset: float,
    pitch: float,
    kinds: list[str],
) -> None:
    kind = pick(rng, kinds)
    for side in (-1, 1):
        for s in np.arange(STREET_SPAN[0] + rng.uniform(0, pitch), 200, pitch):
            if inside(s, road.spans, 9) and rng.random() < 0.85:
                _plant(layout, road, rng, kind, s, side * offset)


def _lamps(
    layout: Layout, road: Road, rng: np.random.Generator, kind: str, offset: float, pitch: float
) -> None:
    both = rng.random() < 0.6
    for k, s in enumerate(np.arange(STREET_SPAN[0] + rng.uniform(0, pitch), 300, pitch)):
        if inside(s, road.spans, 3):
            side = 1 if k % 2 else -1
            _put(layout, road, kind, s, side * offset)
            if both:
                _put(layout, road, kind, s, -side * offset)


def _signs(
    layout: Layout, road: Road, rng: np.random.Generator, kinds: list[str], pitch: float
) -> None:
    for side in (-1, 1):
        s = STREET_SPAN[0] + rng.uniform(0, pitch)
        while s < 200:
            if inside(s, road.spans, 3):
                kind = pick(rng, kinds)
                far = 2.0 if kind == "direction_sign" else 0.0
                margin = 0.45 if road.section.sidewalk else 1.5
                d = side * (road.section.road_half + margin + far)
                _put(layout, road, kind, s, d, "traffic", spin=rng.normal(0, 0.06))
            s += pitch * rng.uniform(0.6, 1.4)


def _clutter(
    layout: Layout, road: Road, rng: np.random.Generator, kinds: list[str], pitch: float
) -> None:
    for side in (-1, 1):
        for s in np.arange(STREET_SPAN[0] + rng.uniform(0, pitch), 160, pitch):
            if inside(s, road.spans, 4):
                d = side * (road.section.road_half + 0.6 + road.section.verge)
                _put(layout, road, pick(rng, kinds), s + rng.uniform(0, 5), d, spin=np.pi)


def _junction(layout: Layout, junction: float, rng: np.random.Generator) -> None:
    """Traffic lights, or stop signs on the side road, at the four corners."""
    main, cross = layout.roads
    signals = layout.scene != "residential" or rng.random() < 0.4
    layout.zebras = [junction - main.junction_half - 3, junction + 3]
    layout.zebras[1] += main.junction_half
    green = rng.random() < 0.5
    for road, centre, reach, lit in (
        (main, junction, main.junction_half, green),
        (cross, 0.0, main.section.road_half, not green),
    ):
        mast = road.section.lanes > 1 or rng.random() < 0.5
        for side in (-1, 1):
            s = centre - side * (reach + 0.9)
            d = side * (road.section.road_half + 0.7)
            if signals:
                name = f"{'mast_' if mast else ''}signal_{'green' if lit else 'red'}"
                _put(layout, road, name, s, d, "traffic")
            elif road is cross:
                _put(layout, road, "stop_sign", s, d, "traffic")


def _backdrop(layout: Layout, rng: np.random.Generator) -> None:
    """Trees and, in town, towers that close the view beyond the end of the street."""
    for road in layout.roads:
        for end in road.path.s[[0, -1]] if road is not layout.roads[0] else road.path.s[-1:]:
            beyond = float(end)
            for d in np.arange(-70, 71, 8.0):
                _plant(layout, road, rng, pick(rng, BROADLEAF), beyond, d + rng.uniform(-3, 3))
    if layout.scene == "urban":
        road = layout.roads[0]
        for d in np.arange(-75, 76, 30.0):
            _build(layout, road, rng, "tower", STREET_SPAN[1] - rng.uniform(2, 20), d)
