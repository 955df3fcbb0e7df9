"""Street centrelines and cross-sections; x and y in metres, angles in radians."""

from dataclasses import dataclass

import numpy as np

Interval = tuple[float, float]


class Path:
    """A centreline sampled every metre; s runs along it, d is positive to the right."""

    def __init__(
        self, start: np.ndarray, heading: float, span: Interval, curvature: float, bend_from: float
    ) -> None:
        self.s = np.arange(span[0], span[1] + 0.5)
        bend = curvature * np.clip((self.s - bend_from) / 20.0, 0, 1)
        turned = np.concatenate([[0], np.cumsum((bend[1:] + bend[:-1]) / 2)])
        self.heading = heading + turned
        steps = np.stack([np.cos(self.heading), np.sin(self.heading)], 1)
        self.xy = np.vstack([np.zeros(2), np.cumsum((steps[1:] + steps[:-1]) / 2, axis=0)])
        self.xy += np.asarray(start) - self._at_zero()

    def _at_zero(self) -> np.ndarray:
        return np.array([np.interp(0.0, self.s, self.xy[:, k]) for k in range(2)])

    def angle(self, s: float) -> float:
        """Direction of travel (towards larger s), counter-clockwise from +x."""
        return float(np.interp(s, self.s, self.heading))

    def points(self, s: np.ndarray, d: np.ndarray | float) -> np.ndarray:
        """World coordinates (n, 2) of street coordinates."""
        centre = np.stack([np.interp(s, self.s, self.xy[:, k]) for k in range(2)], 1)
        angle = np.interp(s, self.s, self.heading)
        right = np.stack([np.sin(angle), -np.cos(angle)], 1)
        return centre + right * np.reshape(d, (-1, 1))

    def point(self, s: float, d: float) -> tuple[float, float]:
        """World coordinates of one street coordinate."""
        x, y = self.points(np.array([s]), d)[0]
        return float(x), float(y)


@dataclass(frozen=True)
class Section:
    """Cross-section of a street, the same on both sides (metres)."""

    lanes: int
    lane_width: float
    parking: float = 0.0
    shoulder: float = 0.0
    median: float = 0.0
    verge: float = 0.0
    sidewalk: float = 0.0

    @property
    def lane_edge(self) -> float:
        """Outer edge of the outermost lane."""
        return self.median / 2 + self.lanes * self.lane_width

    @property
    def road_half(self) -> float:
        """Outer edge of the carriageway with parking and shoulder."""
        return self.lane_edge + self.parking + self.shoulder

    @property
    def outer(self) -> float:
        """Outer edge of the sidewalk, or of the road without one."""
        return self.road_half + self.verge + self.sidewalk

    def lane_centre(self, lane: int) -> float:
        """Offset of a lane of the right-hand side, 0 the innermost."""
        return self.median / 2 + (lane + 0.5) * self.lane_width


@dataclass(frozen=True)
class Road:
    """A path with its section; `spans` are the stretches outside the junction."""

    path: Path
    section: Section
    spans: tuple[Interval, ...]
    junction_half: float = 0.0


def inside(s: float, spans: tuple[Interval, ...], margin: float = 0.0) -> bool:
    """Whether s is in one of the spans and `margin` away from its ends."""
    return any(low + margin <= s <= high - margin for low, high in spans)
