"""Ground meshes of a layout: carriageways, markings, kerbs, sidewalks, terrain (metres)."""

from collections.abc import Mapping

import bpy
import numpy as np
from geometry import MeshBuilder
from paths import Interval, Path, Road
from streets import GROUND, KERB, Layout

PAINT_HEIGHT = 0.006
TERRAIN_REACH = 620.0


def _ribbon(
    builder: MeshBuilder,
    path: Path,
    span: Interval,
    left: tuple[float, float],
    right: tuple[float, float],
    material: str,
) -> None:
    """A strip of the street between two (d, z) edges, over an interval of s."""
    n = max(2, int(np.ceil((span[1] - span[0]) / 2.0)) + 1)
    s = np.linspace(*span, n)
    edges, uvs = [], []
    for d, z in (left, right):
        edges.append(np.column_stack([path.points(s, d), np.full(n, z)]))
        uvs.append(np.column_stack([np.full(n, d + (abs(z) if left[0] == right[0] else 0)), s]))
    builder.strip(edges[0], edges[1], material, np.array(uvs))


def _carriageway(builder: MeshBuilder, road: Road, z: float) -> None:
    half = road.section.road_half
    span = (float(road.path.s[0]), float(road.path.s[-1]))
    _ribbon(builder, road.path, span, (-half, z), (half, z), "asphalt")


def _sidewalks(builder: MeshBuilder, road: Road) -> None:
    """Kerb, grass verge and paving on both sides, with upright outer faces."""
    section = road.section
    if not section.sidewalk:
        return
    kerb, verge, outer = section.road_half, section.verge, section.outer
    for side in (-1, 1):
        for span in road.spans:
            parts = [
                ((kerb, GROUND), (kerb, KERB), "kerb"),
                ((kerb, KERB), (kerb + 0.16, KERB), "kerb"),
                ((kerb + 0.16 + max(0.0, verge - 0.16), KERB), (outer, KERB), "paving"),
                ((outer, KERB), (outer, GROUND - 0.1), "kerb"),
            ]
            if verge:
                parts.append(((kerb + 0.16, KERB), (kerb + verge, KERB), "grass"))
            for (d0, z0), (d1, z1), material in parts:
                _ribbon(builder, road.path, span, (side * d0, z0), (side * d1, z1), material)
            _close_ends(builder, road, side, span)


def _close_ends(builder: MeshBuilder, road: Road, side: int, span: Interval) -> None:
    """Upright kerb faces where a sidewalk ends at a junction."""
    for s in span:
        d0, d1 = side * road.section.road_half, side * road.section.outer
        (x0, y0), (x1, y1) = road.path.point(s, d0), road.path.point(s, d1)
        builder.quad((x0, y0, GROUND), (x1, y1, GROUND), (x1, y1, KERB), (x0, y0, KERB), "kerb")


def _median(builder: MeshBuilder, road: Road) -> None:
    half = road.section.median / 2 - 0.35
    if half > 0:
        for span in road.spans:
            _ribbon(builder, road.path, span, (-half, 0.02), (half, 0.02), "grass")


def _line(
    builder: MeshBuilder,
    road: Road,
    d: float,
    spans: list[Interval],
    dash: tuple[float, float] | None = None,
    colour: str = "white_line",
    width: float = 0.14,
) -> None:
    """A painted line at offset d: solid, or dashes of (length, pitch)."""
    edges = ((d - width / 2, PAINT_HEIGHT), (d + width / 2, PAINT_HEIGHT))
    for low, high in spans:
        if dash is None:
            _ribbon(builder, road.path, (low, high), *edges, colour)
            continue
        for s in np.arange(low, high - dash[0], dash[1]):
            _ribbon(builder, road.path, (s, s + dash[0]), *edges, colour)


def _zebra(builder: MeshBuilder, road: Road, s: float) -> None:
    """A pedestrian crossing 3 m deep, centred at s."""
    half = road.section.road_half - 0.4
    for d in np.arange(-half, half, 1.0):
        edges = ((d, PAINT_HEIGHT), (d + 0.5, PAINT_HEIGHT))
        _ribbon(builder, road.path, (s - 1.5, s + 1.5), *edges, "white_line")


def _stop_line(builder: MeshBuilder, road: Road, s: float, side: int) -> None:
    """A broad line across the lanes of one direction."""
    inner, outer = sorted((side * (road.section.median / 2 + 0.15), side * road.section.lane_edge))
    edges = ((inner, PAINT_HEIGHT), (outer, PAINT_HEIGHT))
    _ribbon(builder, road.path, (s, s + 0.4), *edges, "white_line")


def _lane_lines(builder: MeshBuilder, layout: Layout, road: Road, spans: list[Interval]) -> None:
    """Centre line, lane dashes, edge lines, parking bays."""
    section = road.section
    fast = layout.scene == "highway"
    dash = (4.0, 10.0) if fast else (3.0, 7.0)
    colour = "yellow_line" if layout.yellow_centre else "white_line"
    for side in (-1, 1):
        for lane in range(1, section.lanes):
            d = side * (section.median / 2 + lane * section.lane_width)
            _line(builder, road, d, spans, dash)
        if fast:
            _line(builder, road, side * section.lane_edge, spans, width=0.18)
        if section.median:
            _line(builder, road, side * (section.median / 2 - 0.15), spans, None, colour, 0.18)
        if section.parking:
            _line(builder, road, side * section.lane_edge, spans, (1.0, 2.0), width=0.1)
    if section.median:
        return
    if section.lanes > 1 or layout.yellow_centre:
        for d in (-0.13, 0.13):
            _line(builder, road, d, spans, None, colour, 0.11)
    else:
        _line(builder, road, 0.0, spans, dash, colour)


def _marked_spans(layout: Layout, road: Road) -> list[Interval]:
    """The spans of a road shortened to end 6 m before the carriageway of the other road."""
    if layout.junction is None:
        return list(road.spans)
    edge = 0.0
    if road is not layout.roads[0]:
        edge = layout.roads[0].section.road_half - road.spans[1][0]
    (start, low), (high, end) = road.spans
    return [(start, low - (edge + 6.0)), (high + (edge + 6.0), end)]


def _markings(builder: MeshBuilder, layout: Layout, road: Road) -> None:
    main = road is layout.roads[0]
    spans = _marked_spans(layout, road)
    _lane_lines(builder, layout, road, spans)
    if main and layout.scene != "highway":
        for s in layout.zebras:
            _zebra(builder, road, s)
    if layout.junction is None:
        return
    ends = (spans[0][1] - 0.2, spans[1][0] - 0.2)
    for s, side in zip(ends, (1, -1), strict=True):
        _stop_line(builder, road, s, side)
    if not main and layout.scene == "urban":
        for side in (-1, 1):
            _zebra(builder, road, side * (layout.roads[0].section.road_half + 3))


def _manholes(builder: MeshBuilder, layout: Layout) -> None:
    rng = np.random.default_rng(layout.seed + 1)
    road = layout.roads[0]
    if layout.scene == "highway":
        return
    for s in np.arange(5, 180, 21.0):
        x, y = road.path.point(s + rng.uniform(-6, 6), rng.uniform(-2.5, 2.5))
        builder.tube((x, y, -0.1), (x, y, PAINT_HEIGHT), (0.34, 0.34), "manhole", 20)


def _distance_to_roads(layout: Layout, points: np.ndarray) -> np.ndarray:
    """Metres from each point (n, 2) to the nearest centreline."""
    nearest = np.full(len(points), np.inf)
    for road in layout.roads:
        for centre in road.path.xy[::6]:
            nearest = np.minimum(nearest, np.hypot(*(points - centre).T))
    return nearest


def terrain_height(layout: Layout, points: np.ndarray) -> np.ndarray:
    """Height of the terrain at points (n, 2): level near the roads, hills beyond."""
    x, y = points.T
    phase = np.random.default_rng(layout.seed + 2).uniform(0, 2 * np.pi, 6)
    waves = np.sin(x / 57 + phase[0]) * np.sin(y / 71 + phase[1])
    waves += 0.5 * np.sin(x / 23 + y / 31 + phase[2]) + 1.3 * np.sin(x / 140 - y / 160 + phase[3])
    rise = np.clip((_distance_to_roads(layout, points) - 45) / 130, 0, 1)
    return GROUND + layout.hills * rise**1.5 * (waves + 1.4)


def _terrain(builder: MeshBuilder, layout: Layout) -> None:
    axis = np.linspace(-TERRAIN_REACH, TERRAIN_REACH, 125)
    grid = np.stack(np.meshgrid(axis, axis + 120, indexing="ij"), -1).reshape(-1, 2)
    n = len(axis)
    index = np.arange(n * n).reshape(n, n)
    corners = (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:])
    faces = np.stack(corners, -1).reshape(-1, 4)
    vertices = np.column_stack([grid, terrain_height(layout, grid)])
    builder.add(vertices, faces.tolist(), "grass")


def ground_mesh(layout: Layout, materials: Mapping[str, bpy.types.Material]) -> bpy.types.Mesh:
    """All ground of a layout as one mesh; side roads lie 4 mm below the main road."""
    builder = MeshBuilder()
    for index, road in enumerate(layout.roads):
        _carriageway(builder, road, -0.004 * index)
        _sidewalks(builder, road)
        _median(builder, road)
        _markings(builder, layout, road)
    _manholes(builder, layout)
    _terrain(builder, layout)
    return builder.mesh("ground", materials, 40.0)
