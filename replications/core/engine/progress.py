"""Progress of a run: a line every few seconds, with the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

_SHORTEST, _LONGEST = 2.0, 60.0
"""Seconds between two lines."""


class Progress:
    """Prints where a run is: often at first, more rarely as it goes on. Lines are whole and
    flushed, so a log can be followed."""

    def __init__(self, name: str, start: int, steps: int) -> None:
        """`start`: step resumed from."""
        self.name, self.start, self.steps = name, start, steps
        self.began = time.monotonic()
        self.last = self.began

    def step(self, done: int, losses: Mapping[str, float]) -> None:
        """Report `done` steps, if it is time to."""
        now = time.monotonic()
        pause = min(max(_SHORTEST, (now - self.began) / 20), _LONGEST)
        if now - self.last < pause and done < self.steps:
            return
        self.last = now
        left = (now - self.began) / max(done - self.start, 1) * (self.steps - done)
        shown = "  ".join(f"{task} {loss:.4g}" for task, loss in losses.items())
        self.say(f"step {done}/{self.steps}  loss {shown}  ETA {duration(left)}")

    def say(self, text: str) -> None:
        """Print one line about this run."""
        print(f"[{self.name}] {text}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
