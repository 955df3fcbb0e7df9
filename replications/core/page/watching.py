"""A page on a study while it trains: what runs, what is left, and the losses so far."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from replications.core.drawing import COLOURS
from replications.core.files import write_text

_STEP = re.compile(r"step (\d+)/(\d+)  loss (.*?)  ETA ([\d:]+)")
_LOSS = re.compile(r"(\S+) (\S+?)(?:  |$)")
WIDTH, HEIGHT = 320, 90
"""Of a picture of losses, in pixels."""


@dataclass(frozen=True)
class Followed:
    """A training under way, as its log tells of it.

    Attributes:
        steps: at which it has told its losses.
        of: how many steps it makes.
        losses: by task, at these steps.
        left: the time it expects to take.
    """

    name: str
    steps: list[int]
    of: int
    losses: dict[str, list[float]]
    left: str

    @property
    def lines(self) -> list[tuple[str, str, str, float]]:
        """Task, colour, points of its line in a picture, and its last loss."""
        found = []
        for index, (task, values) in enumerate(self.losses.items()):
            top = max(max(values), 1e-12)
            points = " ".join(
                f"{WIDTH * step / self.of:.1f},{HEIGHT * (1 - max(value, 0) / top):.1f}"
                for step, value in zip(self.steps, values, strict=True)
            )
            found.append((task, COLOURS[index % len(COLOURS)], points, values[-1]))
        return found


def followed(name: str, log: Path) -> Followed:
    """What the log of a training tells so far; nothing where it has not begun to."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    found = _STEP.findall(text)
    losses: dict[str, list[float]] = {}
    for _, _, told, _ in found:
        for task, value in _LOSS.findall(told):
            losses.setdefault(task, []).append(float(value))
    whole = {task: values for task, values in losses.items() if len(values) == len(found)}
    steps = [int(step) for step, *_ in found]
    of, left = (int(found[-1][1]), found[-1][3]) if found else (0, "")
    return Followed(name, steps, of, whole, left)


def write_watch(
    path: Path,
    study: str,
    line: str,
    counts: Mapping[str, tuple[int, int]],
    running: Sequence[Followed],
) -> None:
    """Write the page, which a browser reads again every few seconds; `line`: how far the study is,
    `counts`: of each replication, how many of its trainings have ended and how many there are."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
    )
    text = environment.get_template("watch.html.j2").render(
        study=study, line=line, counts=counts, running=running, width=WIDTH, height=HEIGHT
    )
    write_text(path, text)
