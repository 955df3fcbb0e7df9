"""Which tasks an update trains, and on which samples."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.data.batches import indices_of_step
from replications.core.spec import Phase, Run, Settings


@dataclass(frozen=True)
class Draw:
    """A batch, and the tasks whose losses it serves; `indices` int64, (B,)."""

    tasks: tuple[str, ...]
    indices: Tensor


def draws(
    run: Run, settings: Settings, phase: Phase, n_samples: int, seed: int, step: int
) -> list[Draw]:
    """The batches of an update.

    With shared labels there is one, for all tasks of the update; it depends on seed and step
    alone. With disjoint labels each task draws one from the images that keep its label, the same
    as its single-task run draws.
    """
    cycle = run.cycle[step % len(run.cycle)] if run.cycle else run.tasks
    tasks = tuple(task for task in cycle if task in (phase.tasks or cycle))
    if run.labels == "shared":
        return [Draw(tasks, _drawn(pool(settings, phase, n_samples), settings, seed, step))]
    return [
        Draw((task,), _drawn(_pool_of(task, settings, phase, n_samples), settings, seed, step))
        for task in tasks
    ]


def pool(settings: Settings, phase: Phase, n_samples: int) -> Tensor:
    """The training samples that a phase draws from, int64, in rising order.

    A fraction of the samples, and parts of them, are those of one fixed random order, so that a
    smaller fraction lies in a larger one; no seed changes it.
    """
    if settings.train_fraction == 1 and phase.part is None:
        return torch.arange(n_samples)
    order = torch.randperm(n_samples, generator=torch.Generator().manual_seed(1))
    order = order[: max(1, round(settings.train_fraction * n_samples))]
    if phase.part is not None:
        order = order[phase.part.index :: phase.part.of]
    return order.sort().values


def _drawn(samples: Tensor, settings: Settings, seed: int, step: int) -> Tensor:
    return samples[indices_of_step(len(samples), settings.batch_size, seed, step)]


def labelled(task: str, tasks: Sequence[str], n_samples: int) -> Tensor:
    """The samples that keep the label of `task` where every sample keeps one of `tasks`.

    A fixed random partition into parts of equal size, give or take one; no seed changes it.
    """
    order = torch.randperm(n_samples, generator=torch.Generator().manual_seed(0))
    return order[sorted(tasks).index(task) :: len(tasks)].sort().values


def _pool_of(task: str, settings: Settings, phase: Phase, n_samples: int) -> Tensor:
    """The training samples of a phase that keep the label of a task."""
    own = labelled(task, list(settings.tasks), n_samples)
    return own[torch.isin(own, pool(settings, phase, n_samples))]


def least_samples(run: Run, settings: Settings, n_samples: int) -> int:
    """How many samples the task, and the phase, with the fewest can draw from."""
    if run.labels == "shared":
        return min(len(pool(settings, phase, n_samples)) for phase in run.phases)
    pairs = itertools.product(run.tasks, run.phases)
    return min(len(_pool_of(task, settings, phase, n_samples)) for task, phase in pairs)
