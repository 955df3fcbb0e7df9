"""ASTMT: one encoder, run for one task at a time with the parts that the task has of its own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Parameter

from replications.astmt.adversary import Discriminator, reversed_from
from replications.astmt.options import ModelOptions
from replications.astmt.parts import adapt
from replications.core.data.batches import Batch
from replications.core.nets.columns import encoder, heads, size_of, widths
from replications.core.nets.learner import Losses, Moment
from replications.core.nets.passes import Passes, Switch, parts_of, per_task_norms
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task, losses_of


class ASTMT(Passes):
    """As many passes through the encoder as there are tasks."""

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.switch = Switch()
        self.trunk = encoder(options, seed)
        with seeded(seed, "parts"):
            adapt(self.trunk, list(channels), options, self.switch)
        per_task_norms(self.trunk, list(channels), self.switch, options.norms)
        behind = widths(options)[-1]
        self.heads = heads(channels, options, seed, dict.fromkeys(channels, behind))
        self.weight = options.adversary if len(channels) > 1 else 0.0
        self.gradients: dict[str, Tensor] = {}
        """Of the losses of the last batch, by the features that the heads were fed with."""
        if self.weight:
            with seeded(seed, "discriminator"):
                self.discriminator = Discriminator(behind, options.hidden, len(channels))

    def features(self, images: Tensor, task: str) -> Tensor:
        """(B, 3, H, W) to the features of a task."""
        self.switch.task = task
        for stage in self.trunk:
            images = stage(images)
        return images

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of the predictions."""
        size = size_of(batch.inputs)
        features = {task: self.features(batch.inputs, task) for task in tasks}
        predictions = {task: [self.heads[task](x, size)] for task, x in features.items()}
        losses = losses_of(tasks, predictions, batch.labels)
        if self.weight:
            self.gradients = {
                task: torch.autograd.grad(loss, features[task], create_graph=True)[0]
                for task, loss in losses.items()
            }
        return Losses(losses)

    def penalties(self, moment: Moment) -> dict[str, Tensor]:
        """What the discriminator loses on the gradients of the last batch; the network wants more
        of it."""
        if not self.weight:
            return {}
        number = {task: index for index, task in enumerate(self.heads)}
        terms = []
        for task, gradient in self.gradients.items():
            logits = self.discriminator(reversed_from(gradient, moment.step / moment.steps))
            truth = torch.full_like(logits[:, 0], number[task], dtype=torch.int64)
            terms.append(F.cross_entropy(logits, truth))
        self.gradients = {}
        return {"adversary": self.weight * torch.stack(terms).mean()}

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the encoder that are of no task alone."""
        own = {id(p) for task in self.heads for p in parts_of(self.trunk, task)}
        return [p for p in self.trunk.parameters() if id(p) not in own]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's parts and head."""
        return [*parts_of(self.trunk, task), *self.heads[task].parameters()]

    def inference_parameters(self) -> list[Parameter]:
        """All but the discriminator's."""
        return [*self.trunk.parameters(), *self.heads.parameters()]


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> ASTMT:
    """The model for the tasks in `channels` (task: channels of its prediction)."""
    return ASTMT(channels, options, seed)
