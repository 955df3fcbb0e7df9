"""Swin blocks or convolutions at both ends of a channel, learned in one place or by clients."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets import channel, small_pictures
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task
from replications.swin_jscc_federated import swin
from replications.swin_jscc_federated.averaging import Average
from replications.swin_jscc_federated.options import ModelOptions

CLASSES, CLIENT = "category", "client"


class Federated(Learner):
    """Pictures to symbols of unit power, and what arrives of them to a prediction of each task.

    In a phase `client<n>` it is the network of that client, who has pictures of its own; in a phase
    `client` that of one who learns for itself, with other categories at every seed.
    """

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.options = options
        features = options.features
        # Group norm, which has no statistics that clients would have to agree on.
        norm = {"norm": functools.partial(nn.GroupNorm, 4)}
        convolves = options.kind == "convolutions"
        kind: Any = small_pictures if convolves else swin
        width, own = (options.convolution_width, norm) if convolves else (options.width, {})
        with seeded(seed, "trunk"):
            self.encoder = kind.encoder(width, features, **own)
        self.heads = small_pictures.heads(
            channels,
            seed,
            lambda: kind.recovery(width, features, **own),
            lambda classes: kind.classifier(width, features, classes, **own),
        )
        self.average: Average | None = None
        self.alone = 0
        if options.clients:
            self.average = Average(list(self.parameters()), options.clients)
            self.alone = seed % options.clients

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """Those of the tasks, of a client's on its own pictures alone."""
        pictures, labels = batch.inputs, dict(batch.labels)
        if moment.phase.startswith(CLIENT) and self.options.split == "categories":
            client = int(moment.phase.removeprefix(CLIENT) or self.alone)
            own = self.owned(labels[CLASSES], client)
            pictures = pictures[own]
            labels = {name: values[own] for name, values in labels.items()}
        arrived = self.arrived(pictures, channel.training_ratios(self.options, pictures))
        found = {name: self.heads[name](arrived) for name in tasks}
        return Losses({name: own.loss(found[name], labels) for name, own in tasks.items()})

    def owned(self, categories: Tensor, client: int) -> Tensor:
        """Which of pictures of some categories, (B,), a client has; the first, if it has none of
        them, so that there is something to learn from."""
        share = self.options.categories // self.options.clients
        own = categories // share == client
        return own if own.any() else torch.arange(len(own), device=own.device) == 0

    def arrived(self, pictures: Tensor, snr_db: Tensor) -> Tensor:
        """Pictures (B, 1, H, W) to what the receiver has of their symbols: (B, F, h, w)."""
        return channel.arrived(self.encoder(pictures), snr_db)

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task, at the ratio of the condition."""
        ratios = channel.ratios_under(condition, self.options, inputs)
        arrived = self.arrived(inputs, ratios)
        return {task: head(arrived) for task, head in self.heads.items()}

    def finish(self, moment: Moment) -> None:
        """A client has ended its turn; one that learns for itself keeps what it has."""
        client = moment.phase.removeprefix(CLIENT)
        if self.average is not None and client.isdecimal():
            self.average.ended(list(self.parameters()), int(client))

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the transmitter."""
        return list(self.encoder.parameters())

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's decoder."""
        return list(self.heads[task].parameters())


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> Federated:
    """The model for the tasks in `channels` (task: width of its head)."""
    return Federated(channels, options, seed)
