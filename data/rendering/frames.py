"""Random frames of a layout: camera, light, traffic and pedestrians of one picture."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from paths import Road, inside
from people import FIGURES
from splits import FRAMES_PER_LAYOUT, frame_key, seed_of
from streets import KERB, Colour, Layout, Placement, beside, shade
from vehicles import VEHICLE_KINDS, VEHICLE_LENGTHS

PAINTS: Final[list[Colour]] = [
    (0.62, 0.62, 0.61), (0.62, 0.62, 0.61), (0.012, 0.012, 0.014), (0.03, 0.032, 0.036),
    (0.25, 0.26, 0.27), (0.14, 0.15, 0.16), (0.36, 0.37, 0.38), (0.02, 0.06, 0.24),
    (0.05, 0.14, 0.3), (0.36, 0.018, 0.014), (0.2, 0.01, 0.012), (0.02, 0.08, 0.045),
    (0.32, 0.26, 0.17), (0.5, 0.2, 0.02), (0.1, 0.065, 0.04), (0.45, 0.4, 0.1),
]  # fmt: skip
CLOTHES: Final[list[Colour]] = [
    (0.03, 0.04, 0.08), (0.025, 0.025, 0.028), (0.3, 0.03, 0.03), (0.05, 0.16, 0.08),
    (0.45, 0.43, 0.4), (0.2, 0.2, 0.22), (0.05, 0.14, 0.35), (0.5, 0.32, 0.05),
    (0.28, 0.14, 0.25), (0.16, 0.09, 0.05), (0.4, 0.2, 0.12), (0.55, 0.5, 0.36),
]  # fmt: skip
TROUSERS: Final[list[Colour]] = [
    (0.03, 0.05, 0.12), (0.02, 0.02, 0.025), (0.06, 0.09, 0.17), (0.2, 0.16, 0.1),
    (0.09, 0.09, 0.1), (0.12, 0.08, 0.05),
]  # fmt: skip
SKINS: Final[list[Colour]] = [
    (0.52, 0.31, 0.22), (0.42, 0.24, 0.15), (0.27, 0.14, 0.08), (0.13, 0.065, 0.04),
]  # fmt: skip
HAIRS: Final[list[Colour]] = [
    (0.015, 0.012, 0.01), (0.05, 0.028, 0.015), (0.16, 0.09, 0.035), (0.3, 0.28, 0.26),
]  # fmt: skip


@dataclass(frozen=True)
class Camera:
    """Position (m), yaw counter-clockwise from +x, pitch (up positive), roll, field of view."""

    x: float
    y: float
    height: float
    yaw: float
    pitch: float
    roll: float
    horizontal_view: float


@dataclass(frozen=True)
class Light:
    """Sun elevation and azimuth (degrees, azimuth clockwise from +y), clouds, haze (1/m)."""

    elevation: float
    azimuth: float
    clouds: float
    dust: float
    haze: float
    cloud_seed: float


@dataclass(frozen=True)
class Frame:
    """One picture to render. `movers` are vehicles (class car, van, truck) and persons."""

    key: str
    index: int
    seed: int
    camera: Camera
    light: Light
    movers: tuple[tuple[str, Placement], ...]


def make_frame(layout: Layout, index: int) -> Frame:
    """Frame `index` of the layout's split, which must belong to the layout."""
    seed = seed_of(layout.split, "frame", index)
    rng = np.random.default_rng(seed)
    along = 18.0 * (index % FRAMES_PER_LAYOUT + rng.uniform(0.05, 0.95))
    road = layout.roads[0]
    lane = int(rng.integers(road.section.lanes))
    camera = _camera(rng, road, along, road.section.lane_centre(lane))
    traffic = Traffic(layout, rng, along, lane)
    movers = tuple(traffic.vehicles() + traffic.pedestrians())
    key = frame_key(layout.split, index)
    return Frame(key, index, seed, camera, _light(rng), movers)


def _camera(rng: np.random.Generator, road: Road, s: float, d: float) -> Camera:
    x, y = road.path.point(s, d + rng.normal(0, 0.15))
    return Camera(
        x,
        y,
        height=rng.uniform(1.35, 1.7),
        yaw=road.path.angle(s) + rng.normal(0, np.radians(2.0)),
        pitch=np.radians(rng.uniform(-3.5, 0.5)),
        roll=rng.normal(0, np.radians(0.4)),
        horizontal_view=np.radians(rng.uniform(60, 70)),
    )


def _light(rng: np.random.Generator) -> Light:
    clouds = rng.uniform(0.0, 0.5) if rng.random() < 0.75 else rng.uniform(0.8, 1.0)
    haze = rng.uniform(0.0002, 0.0015) if rng.random() < 0.8 else rng.uniform(0.0025, 0.007)
    return Light(
        elevation=rng.uniform(13, 62),
        azimuth=rng.uniform(0, 360),
        clouds=clouds,
        dust=rng.uniform(0.2, 1.6),
        haze=haze,
        cloud_seed=rng.uniform(0, 100),
    )


class Traffic:
    """Places vehicles in lanes and parking bays and pedestrians on sidewalks."""

    def __init__(
        self, layout: Layout, rng: np.random.Generator, along: float, own_lane: int
    ) -> None:
        self.layout = layout
        self.rng = rng
        self.along = along
        self.own_lane = own_lane
        self.speedy = layout.scene == "highway"

    def vehicles(self) -> list[tuple[str, Placement]]:
        """Traffic of the main and the side road, and parked vehicles."""
        found = self._lanes(self.layout.roads[0], crossing=False)
        found += self._parked(self.layout.roads[0], self.along + 2.0, self.along + 110.0)
        if self.layout.junction is not None:
            cross = self.layout.roads[1]
            found += self._lanes(cross, crossing=True)
            found += self._parked(cross, -60.0, 60.0)
        elif self.speedy and self.rng.random() < 0.4:
            section = self.layout.roads[0].section
            d = section.lane_edge + section.shoulder / 2 + 0.2
            s = self.along + self.rng.uniform(14, 60)
            found.append(self._vehicle(self.layout.roads[0], s, d))
        return found

    def _model(self) -> str:
        weights = {
            "sedan": 3.0, "hatchback": 3.0, "suv": 2.6, "estate": 2.0, "minivan": 1.3,
            "delivery": 1.3, "truck": 0.9, "long_truck": 2.0 if self.speedy else 0.35,
        }  # fmt: skip
        chances = np.array(list(weights.values()))
        return str(self.rng.choice(list(weights), p=chances / chances.sum()))

    def _vehicle(
        self, road: Road, s: float, d: float, model: str = "", backwards: bool = False
    ) -> tuple[str, Placement]:
        """A vehicle heading along its side's direction of travel."""
        model = model or self._model()
        x, y, turn = beside(road, s, d, "traffic")
        turn += self.rng.normal(0, 0.015) + (np.pi if backwards else 0.0)
        white = model in ("delivery", "truck", "long_truck") and self.rng.random() < 0.5
        paint = (0.6, 0.6, 0.59) if white else shade(self.rng, PAINTS, 0.15)
        accent = paint if self.rng.random() < 0.3 else shade(self.rng, PAINTS, 0.1)
        if self.rng.random() < 0.4:
            accent = (0.55, 0.55, 0.53)
        colours = {"tint": paint, "accent": accent}
        return VEHICLE_KINDS[model], Placement(model, x, y, 0.0, turn, 1.0, colours)

    def _lanes(self, road: Road, crossing: bool) -> list[tuple[str, Placement]]:
        found = []
        spacing = (9.0, 34.0) if self.layout.scene == "urban" else (14.0, 60.0)
        for side in (-1, 1):
            for lane in range(road.section.lanes):
                start, end = (-70.0, 70.0) if crossing else (self.along, self.along + 190.0)
                own = not crossing and side > 0 and lane == self.own_lane
                s = start + self.rng.uniform(*((9.0, 38.0) if own else (3.0, 24.0)))
                while s < end:
                    model = self._model()
                    length = VEHICLE_LENGTHS[model]
                    centre = s + length / 2
                    if own and length > 7 and s < self.along + 18:
                        s += 9.0
                        continue
                    if self._clear_of_junction(road, centre, length, crossing):
                        d = side * road.section.lane_centre(lane) + self.rng.normal(0, 0.12)
                        found.append(self._vehicle(road, centre, d, model))
                    s += length + self.rng.uniform(*spacing)
        return found

    def _clear_of_junction(self, road: Road, s: float, length: float, crossing: bool) -> bool:
        """Traffic of the main road may stand in the junction, that of the side road may not."""
        if self.layout.junction is None or not crossing:
            return True
        main = self.layout.roads[0].section
        return abs(s) > main.road_half + 4.5 + length / 2

    def _parked(self, road: Road, start: float, end: float) -> list[tuple[str, Placement]]:
        section = road.section
        roadside = self.layout.scene == "residential" and self.rng.random() < 0.5
        if not section.parking and not roadside:
            return []
        found = []
        filled = self.rng.uniform(0.2, 0.75)
        for side in (-1, 1):
            s = start + self.rng.uniform(0, 6)
            while s < end:
                model = self._model()
                if VEHICLE_LENGTHS[model] > 7 or (model == "delivery" and self.rng.random() < 0.5):
                    model = "hatchback"
                if inside(s, road.spans, 9) and self.rng.random() < filled and section.parking:
                    d = side * (section.lane_edge + section.parking / 2 + 0.05)
                    found.append(self._vehicle(road, s, d, model))
                elif roadside and inside(s, road.spans, 12) and self.rng.random() < 0.3:
                    d = side * (section.outer + 3.0)
                    car, placed = self._vehicle(road, s, d, model)
                    found.append((car, _turned(placed, side * np.pi / 2)))
                s += 6.3 + self.rng.uniform(0, 1.2)
        return found

    def _person(
        self, x: float, y: float, z: float, turn: float, figure: str = ""
    ) -> tuple[str, Placement]:
        figure = figure or str(self.rng.choice(list(FIGURES)))
        child = self.rng.random() < 0.1
        scale = self.rng.uniform(0.68, 0.8) if child else self.rng.uniform(0.92, 1.07)
        colours = {
            "shirt": shade(self.rng, CLOTHES, 0.3),
            "trousers": shade(self.rng, TROUSERS, 0.3),
            "skin": shade(self.rng, SKINS, 0.1),
            "hair": shade(self.rng, HAIRS, 0.2),
            "bag": shade(self.rng, CLOTHES, 0.3),
        }
        return "person", Placement(figure, x, y, z, turn, scale, colours)

    def _walkers(self, count: int, reach: float) -> list[tuple[str, Placement]]:
        """People along the sidewalks, near ones more likely; some in pairs."""
        road, found = self.layout.roads[0], []
        section = road.section
        for _ in range(count):
            s = self.along + 5.0 + (reach - 5.0) * self.rng.random() ** 2
            side = int(self.rng.choice([-1, 1]))
            if not inside(s, road.spans, 0.5):
                continue
            low = section.road_half + section.verge + 0.9
            d = side * self.rng.uniform(low, max(low + 0.1, section.outer - 0.5))
            x, y = road.path.point(s, d)
            turn = road.path.angle(s) - np.pi / 2 + self.rng.choice([0, np.pi])
            turn += self.rng.normal(0, 0.25)
            found.append(self._person(x, y, KERB, turn))
            if self.rng.random() < 0.25:
                x, y = road.path.point(s + 0.15, d - side * 0.65)
                found.append(self._person(x, y, KERB, turn + self.rng.normal(0, 0.1)))
        return found

    def _crossers(self) -> list[tuple[str, Placement]]:
        """People on the pedestrian crossings ahead, walking across."""
        road, found = self.layout.roads[0], []
        walking = [name for name in FIGURES if name.startswith("walker")]
        for s in self.layout.zebras:
            if not self.along + 7 < s < self.along + 90 or self.layout.scene == "highway":
                continue
            for _ in range(int(self.rng.integers(0, 5))):
                d = self.rng.uniform(-1, 1) * road.section.road_half
                x, y = road.path.point(s + self.rng.uniform(-1.2, 1.2), d)
                turn = road.path.angle(s) + self.rng.choice([0, np.pi])
                figure = str(self.rng.choice(walking))
                found.append(self._person(x, y, 0.0, turn, figure))
        return found

    def _stranded(self) -> list[tuple[str, Placement]]:
        """People on the shoulder of a highway."""
        section = self.layout.roads[0].section
        found = []
        for _ in range(int(self.rng.integers(0, 5))):
            s = self.along + self.rng.uniform(7, 32)
            side = 1 if self.rng.random() < 0.8 else -1
            d = side * (section.road_half - self.rng.uniform(0.0, 0.5))
            x, y = self.layout.roads[0].path.point(s, d)
            found.append(self._person(x, y, 0.0, self.rng.uniform(0, 2 * np.pi)))
        return found

    def pedestrians(self) -> list[tuple[str, Placement]]:
        """All people of the frame."""
        if self.layout.scene == "highway":
            return self._stranded()
        low, high = (12, 30) if self.layout.scene == "urban" else (6, 16)
        return self._walkers(int(self.rng.integers(low, high)), 70.0) + self._crossers()


def _turned(placement: Placement, angle: float) -> Placement:
    p = placement
    return Placement(p.asset, p.x, p.y, p.z, p.turn + angle, p.scale, p.colours)
