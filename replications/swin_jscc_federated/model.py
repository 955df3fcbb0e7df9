"""Swin blocks or convolutions at both ends of a channel, learned in one place or by clients."""

from __future__ import annotations

import functools
from collections.abc import Mapping

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

RECOVERY, CLASSES, CLIENT = "reconstruction", "category", "client"


class Federated(Learner):
    """Pictures to symbols of unit power, and what arrives of them to a prediction of each task.

    In a phase `client<n>` it is the network of that client, who has the pictures of an equal share
    of the categories and no others.
    """

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.options = options
        features = options.features
        # Group norm, which has no statistics that clients would have to agree on.
        norm = functools.partial(nn.GroupNorm, 4)
        convolve = {
            name: functools.partial(getattr(small_pictures, name), norm=norm)
            for name in ("encoder", "recovery", "classifier")
        }
        built, width = vars(swin), options.width
        if options.kind == "convolutions":
            built, width = convolve, options.convolution_width
        with seeded(seed, "trunk"):
            self.encoder = built["encoder"](width, features)
        self.heads = nn.ModuleDict()
        for task, own in channels.items():
            with seeded(seed, f"head/{task}"):
                self.heads[task] = (
                    built["recovery"](width, features)
                    if task == RECOVERY
                    else built["classifier"](width, features, own)
                )
        self.average: Average | None = None
        if options.clients:
            self.average = Average(list(self.parameters()), options.clients)

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """Those of the tasks, of a client's on its own pictures alone."""
        pictures, labels = batch.inputs, dict(batch.labels)
        if moment.phase.startswith(CLIENT):
            own = self.owned(labels[CLASSES], int(moment.phase.removeprefix(CLIENT)))
            pictures = pictures[own]
            labels = {name: values[own] for name, values in labels.items()}
        arrived = self.arrived(pictures, channel.drawn_ratios(self.options, pictures))
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
        """A client has ended its turn."""
        if self.average is not None and moment.phase.startswith(CLIENT):
            client = int(moment.phase.removeprefix(CLIENT))
            self.average.ended(list(self.parameters()), client)

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the transmitter."""
        return list(self.encoder.parameters())

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's decoder."""
        return list(self.heads[task].parameters())


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> Federated:
    """The model for the tasks in `channels` (task: width of its head)."""
    return Federated(channels, options, seed)
