"""Which tasks an update trains, and on which samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from replications.core.data.batches import indices_of_step
from replications.core.spec import Run, Settings


@dataclass(frozen=True)
class Draw:
    """A batch, and the tasks whose losses it serves; `indices` int64, (B,)."""

    tasks: tuple[str, ...]
    indices: Tensor


def draws(run: Run, settings: Settings, n_samples: int, seed: int, step: int) -> list[Draw]:
    """The batches of an update.

    With shared labels there is one, for all tasks of the update; it depends on seed and step
    alone. With disjoint labels each task draws one from the images that keep its label, the same
    as its single-task run draws.
    """
    tasks = tuple(run.cycle[step % len(run.cycle)] if run.cycle else run.tasks)
    if run.labels == "shared":
        return [Draw(tasks, indices_of_step(n_samples, settings.batch_size, seed, step))]
    result = []
    for task in tasks:
        own = labelled(task, list(settings.tasks), n_samples)
        within = indices_of_step(len(own), settings.batch_size, seed, step)
        result.append(Draw((task,), own[within]))
    return result


def labelled(task: str, tasks: Sequence[str], n_samples: int) -> Tensor:
    """The samples that keep the label of `task` where every sample keeps one of `tasks`.

    A fixed random partition into parts of equal size, give or take one; no seed changes it.
    """
    order = torch.randperm(n_samples, generator=torch.Generator().manual_seed(0))
    return order[sorted(tasks).index(task) :: len(tasks)].sort().values


def least_samples(run: Run, settings: Settings, n_samples: int) -> int:
    """How many samples the task with the fewest can draw from."""
    return n_samples if run.labels == "shared" else n_samples // len(settings.tasks)
