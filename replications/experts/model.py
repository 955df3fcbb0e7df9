"""Mixtures of experts: every task mixes the features of several encoders as its gate says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.columns import encoder, heads, size_of, widths
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.registry.staged import StagedOptions
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task, losses_of
from replications.experts.options import ModelOptions


class Experts(Learner):
    """The features of task k are the sum over experts e of g_k,e(x) f_e(x), where the gate g_k is a
    softmax of a linear map of the image (Ma et al., KDD 2018, equations 5 to 7), over the experts
    of all tasks and those of its own (Tang et al., RecSys 2020, equations 1 to 4).

    The first expert starts as the encoder of the single-task networks, the others each in its way.
    """

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.seen = options.seen
        self.shared = nn.ModuleList(
            expert(options, seed, f"shared/{e}" if e else "") for e in range(options.shared)
        )
        self.own = nn.ModuleDict(
            {
                task: nn.ModuleList(
                    expert(options, seed, f"{task}/{e}") for e in range(options.own)
                )
                for task in channels
            }
        )
        self.gates = nn.ModuleDict()
        for task in channels:
            with seeded(seed, f"gate/{task}"):
                pixels = 3 * options.seen[0] * options.seen[1]
                self.gates[task] = nn.Linear(pixels, options.shared + options.own)
        self.heads = heads(channels, options, seed, dict.fromkeys(channels, widths(options)[-1]))

    def gate(self, images: Tensor, task: str) -> Tensor:
        """(B, 3, H, W) to what a task takes of each expert, (B, E)."""
        seen = F.adaptive_avg_pool2d(images, self.seen).flatten(1)
        found: Tensor = self.gates[task](seen).softmax(dim=1)
        return found

    def mixed(self, images: Tensor, tasks: Iterable[str]) -> dict[str, Tensor]:
        """The features of each of `tasks`."""
        shared = [expert(images) for expert in self.shared]
        found = {}
        for task in tasks:
            own = [expert(images) for expert in self.own[task].children()]
            experts = torch.stack([*shared, *own])
            found[task] = torch.einsum("be,ebchw->bchw", self.gate(images, task), experts)
        return found

    def decoded(self, images: Tensor, tasks: Iterable[str]) -> dict[str, Tensor]:
        """A prediction of each of `tasks`."""
        size = size_of(images)
        return {task: self.heads[task](x, size) for task, x in self.mixed(images, tasks).items()}

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of the predictions."""
        predictions = self.decoded(batch.inputs, tasks)
        return Losses(losses_of(tasks, {t: [p] for t, p in predictions.items()}, batch.labels))

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task; no condition changes it."""
        return self.decoded(inputs, self.heads)

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the experts of all tasks."""
        return list(self.shared.parameters())

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's own experts, gate and head."""
        parts = (self.own[task], self.gates[task], self.heads[task])
        return [parameter for part in parts for parameter in part.parameters()]


def expert(options: StagedOptions, seed: int, name: str) -> nn.Sequential:
    """An encoder; without a name, that of the single-task networks.

    ImageNet weights are the same for all, and a gate could not tell experts apart: kernels of those
    with a name then differ from them by a tenth of their spread.
    """
    if not name:
        return nn.Sequential(*encoder(options, seed))
    with seeded(seed, f"expert/{name}"):
        found = nn.Sequential(*encoder(options, int(torch.randint(2**31, ()))))
        with torch.no_grad():
            for kernel in (p for p in found.parameters() if p.dim() > 1 and options.pretrained):
                kernel.add_(0.1 * kernel.std() * torch.randn_like(kernel))
    return found


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> Experts:
    """The model for the tasks in `channels` (task: channels of its prediction)."""
    return Experts(channels, options, seed)
