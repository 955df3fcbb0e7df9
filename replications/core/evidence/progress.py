"""How far the trainings of a study are, and how long the rest will take."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from replications.core.spec import Plan, base_of
from replications.core.spec.layout import ORIGIN


@dataclass(frozen=True)
class Pending:
    """A training that a call of Snakemake is to make."""

    replication: str
    run: str
    seed: int


class StudyProgress:
    """Looks at the run folders of a study while they come to be."""

    def __init__(
        self, plans: Mapping[str, Plan], results: Path, pending: Collection[Pending]
    ) -> None:
        """`results`: the folder of the study; `pending`: what is trained from now on."""
        self.plans, self.results, self.pending = plans, results, pending
        self.began = time.time()
        self.seconds: dict[Pending, float] = {}
        """Of a training's steps, for each that has ended."""

    def line(self) -> str:
        """Trainings, their share of the work, and the time that is left at the pace until now."""
        for training in self.pending:
            if training not in self.seconds:
                self._look(training)
        count = f"{len(self.seconds)} of {len(self.pending)} trainings"
        if not self.seconds:
            return count
        done = sum(self.seconds.values())
        left = self._left()
        rest = (time.time() - self.began) * left / done
        share = 100 * done / (done + left)
        return f"{count}, {share:.0f} % of the work; {timedelta(seconds=round(rest))} left"

    def counts(self) -> dict[str, tuple[int, int]]:
        """Of each replication, how many of its trainings have ended, and how many there are."""
        return {
            name: (
                sum(training.replication == name for training in self.seconds),
                sum(training.replication == name for training in self.pending),
            )
            for name in dict.fromkeys(training.replication for training in self.pending)
        }

    def _look(self, training: Pending) -> None:
        """Note a training that has ended since."""
        folder = self.results / training.replication / training.run / str(training.seed)
        try:
            # The last file of a folder that is replaced as a whole.
            if (folder / ORIGIN).stat().st_mtime < self.began:
                return
            cost = json.loads((folder / "cost.json").read_text(encoding="utf-8"))
        except OSError:
            return
        self.seconds[training] = max(float(cost["own_training_s"]), 0.001)

    def _left(self) -> float:
        """Seconds of the steps of the trainings that have not ended, by those of the most alike: of
        the same run at any axis values, else of its replication, else of all."""
        seconds: dict[str, float] = defaultdict(float)
        steps: dict[str, int] = defaultdict(int)
        for training, taken in self.seconds.items():
            for likeness in _likenesses(training):
                seconds[likeness] += taken
                steps[likeness] += self._steps(training)
        left = 0.0
        for training in self.pending:
            if training not in self.seconds:
                known = next(own for own in _likenesses(training) if own in steps)
                left += self._steps(training) * seconds[known] / steps[known]
        return left

    def _steps(self, training: Pending) -> int:
        return self.plans[training.replication].settings_of(training.run).steps


def _likenesses(training: Pending) -> tuple[str, str, str]:
    """What trainings may have in common, the most telling first."""
    return f"{training.replication}/{base_of(training.run)}", training.replication, ""
