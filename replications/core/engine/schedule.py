"""Learning rate over training: a pure function of the step, so nothing of it needs saving."""

from __future__ import annotations

import math

from replications.core.spec import Schedule


def learning_rate_factor(schedule: Schedule, step: int, steps: int) -> float:
    """The factor on the base learning rate at `step` (0-based) of `steps`."""
    if step < schedule.warmup:
        return (step + 1) / (schedule.warmup + 1)
    progress = (step - schedule.warmup) / max(steps - schedule.warmup, 1)
    match schedule.name:
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        case "poly":
            return math.pow(1 - progress, schedule.power)
        case "step":
            return math.pow(schedule.gamma, step // (schedule.every or steps))
        case "constant":
            return 1.0
