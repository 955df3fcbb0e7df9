"""MTAN: one encoder, along whose stages every task picks the features that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.columns import encoder, heads, size_of, widths
from replications.core.nets.learner import Learner, Losses, Moment, cuttable
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task, losses_of
from replications.mtan.attention import Mask, bridge
from replications.mtan.halves import through
from replications.mtan.options import ModelOptions

Halves = Sequence[tuple[Tensor, Tensor]]
"""Of every stage u and p, see `halves.through`."""


class MTAN(Learner):
    """At stage j a task keeps a_j = mask([u_j; b_j]) * p_j of the shared features, where b_j is
    a_{j-1} behind a bridge, pooled to the size of the stage; the first stage has none. The task's
    head is fed with the last a_j. Bridges are of all tasks, masks of one.
    """

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        behind = widths(options)
        seen = [behind[0], *(2 * width for width in behind[1:])]
        self.trunk = encoder(options, seed)
        with seeded(seed, "bridges"):
            self.bridges = nn.ModuleList(map(bridge, behind[:-1], behind[1:]))
        self.masks = nn.ModuleDict()
        for task in channels:
            with seeded(seed, f"masks/{task}"):
                self.masks[task] = nn.ModuleList(map(Mask, seen, behind))
        self.heads = heads(channels, options, seed, dict.fromkeys(channels, behind[-1]))

    def encode(self, images: Tensor) -> Halves:
        """(B, 3, H, W) to u and p of every stage."""
        found = []
        for stage in self.trunk:
            u, images = through(stage, images)
            found.append((u, images))
        return found

    def attended(self, halves: Halves, task: str) -> Tensor:
        """What a task keeps of the last stage."""
        carried: list[Tensor] = []
        for j, (mask, (u, p)) in enumerate(zip(self.masks[task].children(), halves, strict=True)):
            above = [_fitted(b, u) for b in carried]
            kept: Tensor = mask(torch.cat([u, *above], dim=1)) * p
            carried = [self.bridges[j](kept)] if j < len(self.bridges) else []
        return kept

    def decode(
        self, halves: Halves, size: tuple[int, int], tasks: Iterable[str]
    ) -> dict[str, Tensor]:
        """A prediction of each of `tasks`."""
        return {task: self.heads[task](self.attended(halves, task), size) for task in tasks}

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of the predictions."""
        halves = [(cuttable(u), cuttable(p)) for u, p in self.encode(batch.inputs)]
        predictions = self.decode(halves, size_of(batch.inputs), tasks)
        losses = losses_of(tasks, {t: [p] for t, p in predictions.items()}, batch.labels)
        return Losses(losses, tuple(half for both in halves for half in both))

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task; no condition changes it."""
        return self.decode(self.encode(inputs), size_of(inputs), self.heads)

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the encoder and of the bridges."""
        return [*self.trunk.parameters(), *self.bridges.parameters()]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's masks and head."""
        return [*self.masks[task].parameters(), *self.heads[task].parameters()]


def _fitted(x: Tensor, like: Tensor) -> Tensor:
    """Pooled to the size of another map, of as much or half the size."""
    return x if x.shape[-2:] == like.shape[-2:] else F.max_pool2d(x, 2)


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> MTAN:
    """The model for the tasks in `channels` (task: channels of its prediction)."""
    return MTAN(channels, options, seed)
