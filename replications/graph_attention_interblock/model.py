"""One transmission of what every task needs of the blocks of an encoder."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets import channel
from replications.core.nets.columns import encoder, heads, widths
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.registry.staged import STAGES
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task, losses_of
from replications.graph_attention_interblock.graph import Relation, Round
from replications.graph_attention_interblock.options import ModelOptions
from replications.graph_attention_interblock.webp import by_an_ideal_code

_KEPT = 0.99
"""What the remembered weights keep of themselves at a step of training."""


class InterBlock(Learner):
    """The blocks of the encoder are nodes on its last grid; joined for each task, they are sent
    together in one transmission, which the receiver's heads listen to."""

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.options = options
        self.tasks = list(channels)
        self.encoder = encoder(options, seed)
        width, attentive = options.node_channels, options.joining == "attention"
        weighted = options.joining in ("attention", "relation")
        self.code = by_an_ideal_code if options.coded == "apart" else None
        used = widths(options)[-1:] if options.joining == "last" else widths(options)
        with seeded(seed, "nodes"):
            self.nodes = nn.ModuleList(nn.Conv2d(own, width, 1) for own in used)
            self.rounds = nn.ModuleList(Round(width, attentive) for _ in range(options.rounds))
        self.relations = nn.ModuleDict()
        for task in channels if weighted else ():
            with seeded(seed, f"relation/{task}"):
                self.relations[task] = Relation(width, STAGES)
        with seeded(seed, "sender"):
            self.sender = nn.Conv2d(len(channels) * width, options.features, 1)
        with seeded(seed, "receiver"):
            self.receiver = nn.Sequential(
                nn.Conv2d(options.features, 2 * width, 1), nn.BatchNorm2d(2 * width), nn.ReLU()
            )
        self.heads = heads(channels, options, seed, dict.fromkeys(channels, 2 * width))
        self.register_buffer("relation", torch.full((len(channels), STAGES), 1 / STAGES))

    def blocks(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) to nodes, (B, N, C, h, w), one for each block or for the last."""
        behind = []
        for stage in self.encoder:
            images = stage(images)
            behind.append(images)
        height, width = images.shape[2:]
        found = [
            node(F.adaptive_avg_pool2d(own, (height, width)))
            for node, own in zip(self.nodes, behind[-len(self.nodes) :], strict=True)
        ]
        return torch.stack(found, dim=1)

    def joined(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What is to be sent, (B, K C, h, w), and how much of each block it has for each task,
        (B, K, N)."""
        nodes = self.blocks(images)
        for own in self.rounds:
            nodes = own(nodes)
        if self.relations:
            weights = torch.stack([self.relations[task](nodes) for task in self.tasks], dim=1)
        else:
            shape = (len(nodes), len(self.tasks), nodes.shape[1])
            weights = nodes.new_full(shape, 1 / nodes.shape[1])
        return torch.einsum("bkn,bnchw->bkchw", weights, nodes).flatten(1, 2), weights

    def symbols(self, images: Tensor) -> int:
        """How many are sent of each image, (B, 3, H, W)."""
        cells = images.shape[2] * images.shape[3] // self.options.stride**2
        return cells * self.options.features // 2

    def arrived(self, images: Tensor, snr_db: Tensor) -> Tensor:
        """What the receiver has of images, (B, C', h, w)."""
        if self.code is not None:
            images = self.code(images, snr_db, self.symbols(images))
        joined, weights = self.joined(images)
        if self.training and self.relations:
            with torch.no_grad():
                self.get_buffer("relation").lerp_(weights.mean(dim=0), 1 - _KEPT)
        sent = self.sender(joined)
        if self.options.coded == "together":
            sent = channel.arrived(sent, snr_db)
        found: Tensor = self.receiver(sent)
        return found

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """Those of the tasks."""
        images = batch.inputs
        ratios = channel.training_ratios(self.options, images)
        predictions = self._decoded(self.arrived(images, ratios), images, tasks)
        return Losses(losses_of(tasks, {t: [own] for t, own in predictions.items()}, batch.labels))

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task, at the ratio of the condition."""
        arrived = self.arrived(inputs, channel.ratios_under(condition, self.options, inputs))
        return self._decoded(arrived, inputs, self.tasks)

    def learned(self) -> dict[str, Tensor]:
        """`relation`, (K, 4): how much of each block a task is sent, over the last steps."""
        return {"relation": self.get_buffer("relation")} if self.relations else {}

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of what all tasks use."""
        parts = (self.encoder, self.nodes, self.rounds, self.sender, self.receiver)
        return [parameter for part in parts for parameter in part.parameters()]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's relation and of its head."""
        own = list(self.relations[task].parameters()) if self.relations else []
        return [*own, *self.heads[task].parameters()]

    def _decoded(
        self, arrived: Tensor, images: Tensor, tasks: Mapping[str, Task] | list[str]
    ) -> dict[str, Tensor]:
        size = (images.shape[2], images.shape[3])
        return {task: self.heads[task](arrived, size) for task in tasks}


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> InterBlock:
    """The model for the tasks in `channels` (task: channels of its prediction)."""
    return InterBlock(channels, options, seed)
