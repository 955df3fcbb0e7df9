"""When a training is in which phase, and what its optimiser then changes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import Parameter

from replications.core.errors import StudyError
from replications.core.nets.learner import Learner
from replications.core.spec import Optimizer, Phase, Run, Schedule, Settings
from replications.core.weighting.base import Weighting


@dataclass(frozen=True)
class Stretch:
    """One time that a phase is gone through, from step `start` up to but not `end`."""

    phase: Phase
    round: int
    start: int
    end: int
    optimizer: Optimizer
    schedule: Schedule

    @property
    def steps(self) -> int:
        """How long it is."""
        return self.end - self.start


def stretches(run: Run, settings: Settings) -> list[Stretch]:
    """The phases of a run one after the other, all rounds of them; together `settings.steps`.

    Raises:
        StudyError: there are fewer steps than phases to go through.
    """
    phases = list(itertools.product(range(run.rounds), run.phases))
    if len(phases) > settings.steps:
        raise StudyError(f"{settings.steps} steps are too few for {len(phases)} phases")
    ends = list(itertools.accumulate(phase.share for _, phase in phases))
    bounds = [0, *(round(settings.steps * end / ends[-1]) for end in ends)]
    return [
        Stretch(
            phase,
            number,
            start,
            end,
            phase.optimizer or settings.optimizer,
            phase.schedule or settings.schedule,
        )
        for (number, phase), (start, end) in zip(phases, itertools.pairwise(bounds), strict=True)
    ]


def freeze(learner: Learner, phase: Phase) -> set[str]:
    """Freeze what a phase freezes; returns the names of the parameters that were not frozen before.

    Raises:
        StudyError: the learner has no part of a name that the phase freezes.
    """
    parameters = dict(learner.named_parameters())
    wanted = {id(p) for name in phase.frozen for p in part(learner, name)}
    frozen = {name for name, p in parameters.items() if id(p) in wanted and p.requires_grad}
    for name in frozen:
        parameters[name].requires_grad_(False)
    return frozen


def optimizer_of(learner: Learner, stretch: Stretch, weighting: Weighting) -> torch.optim.Optimizer:
    """The optimiser of a phase, over all that is not frozen; what the weighting learns has its own
    rate and does not decay.

    Raises:
        StudyError: nothing is left to train, or the learner has no part of a name that the phase
            gives a rate.
    """
    rates = stretch.phase.rates
    apart = {name: part(learner, name) for name in rates}
    elsewhere = {id(p) for own in apart.values() for p in own}
    rest = [p for p in learner.parameters() if id(p) not in elsewhere]
    decay = stretch.optimizer.weight_decay
    groups: list[dict[str, Any]] = [
        {"params": own, "rate": rates.get(name, 1.0), "weight_decay": decay}
        for name, own in {"": rest, **apart}.items()
    ]
    rate = (weighting.lr or stretch.optimizer.lr) / stretch.optimizer.lr
    groups.append({"params": list(weighting.parameters()), "rate": rate, "weight_decay": 0.0})
    for group in groups:
        group["params"] = [p for p in group["params"] if p.requires_grad]
    if not any(group["params"] for group in groups):
        raise StudyError(
            f"phase '{stretch.phase.name}' freezes everything; it has nothing to train"
        )
    return build_optimizer(stretch.optimizer, [group for group in groups if group["params"]])


def set_mode(learner: Learner) -> None:
    """Training mode, but evaluation mode for modules whose parameters are all frozen."""
    learner.train()
    for module in learner.modules():
        own = list(module.parameters())
        if own and not any(p.requires_grad for p in own):
            module.eval()


def part(learner: Learner, name: str) -> list[Parameter]:
    """The parameters of a module of the learner, or the one of that name.

    Raises:
        StudyError: there is no such part.
    """
    found = [
        p for own, p in learner.named_parameters() if own == name or own.startswith(f"{name}.")
    ]
    if not found:
        parts = ", ".join(own for own, _ in learner.named_children())
        raise StudyError(f"the learner has no part '{name}' with parameters; it has: {parts}")
    return found


def build_optimizer(options: Optimizer, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
    """The optimiser over groups of parameters."""
    if options.name == "sgd":
        return torch.optim.SGD(
            groups,
            lr=options.lr,
            momentum=options.momentum,
            nesterov=options.nesterov,
            fused=True,
        )
    adam = torch.optim.Adam if options.name == "adam" else torch.optim.AdamW
    return adam(groups, lr=options.lr, fused=True)
