"""One transmission that any number of decoders listen to, each trained when it is needed."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.asynchronous.options import ModelOptions
from replications.asynchronous.views import view
from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets import channel, small_pictures
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task

CONTRAST = "contrast"


class Broadcast(Learner):
    """Pictures to symbols of unit power, and what arrives of them to a prediction of each task.

    The encoder learns from whichever tasks a phase trains; with `contrast` it learns from two views
    of each picture, whose symbols both pass the channel, and needs no task.
    """

    def __init__(
        self,
        channels: Mapping[str, int],
        options: ModelOptions,
        seed: int,
        given: Learner | None = None,
    ) -> None:
        super().__init__()
        self.options = options
        width, features = options.width, options.features
        with seeded(seed, "trunk"):
            self.encoder = small_pictures.encoder(width, features)
        if CONTRAST in channels:
            with seeded(seed, "projector"):
                self.projector = nn.Sequential(
                    *(nn.Flatten(), nn.LazyLinear(4 * width), nn.ReLU()),
                    nn.Linear(4 * width, channels[CONTRAST]),
                )
                self.projector(torch.zeros(1, features, 7, 7))
        self.heads = small_pictures.heads(
            {task: own for task, own in channels.items() if task not in options.auxiliary},
            seed,
            lambda: small_pictures.recovery(width, features),
            lambda classes: small_pictures.classifier(width, features, classes),
        )
        if given is not None:
            self._take_over(given)

    def _take_over(self, given: Learner) -> None:
        """The encoder of another, and its decoders of the same tasks."""
        parts: list[tuple[str, nn.Module]] = [("encoder", self.encoder)]
        parts += [(f"heads.{task}", head) for task, head in self.heads.items()]
        known = dict(given.named_modules())
        for name, own in parts:
            if name in known:
                own.load_state_dict(known[name].state_dict())

    def arrived(self, pictures: Tensor, snr_db: Tensor) -> Tensor:
        """Pictures (B, 1, H, W) to what the receiver has of their symbols: (B, F, h, w)."""
        return channel.arrived(self.encoder(pictures), snr_db)

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """Those of the tasks from one transmission, and of contrast from two views."""
        pictures, found = batch.inputs, {}
        supervised = [task for task in tasks if task != CONTRAST]
        if supervised:
            arrived = self.arrived(pictures, channel.training_ratios(self.options, pictures))
            for task in supervised:
                found[task] = tasks[task].loss(self.heads[task](arrived), batch.labels)
        if CONTRAST in tasks:
            views = torch.cat([view(pictures, self.options.changes) for _ in range(2)])
            projected = self.projector(
                self.arrived(views, channel.training_ratios(self.options, views))
            )
            found[CONTRAST] = tasks[CONTRAST].loss(projected, batch.labels)
        return Losses(found)

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task, at the ratio of the condition."""
        ratios = channel.ratios_under(condition, self.options, inputs)
        arrived = self.arrived(inputs, ratios)
        return {task: head(arrived) for task, head in self.heads.items()}

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the transmitter."""
        return list(self.encoder.parameters())

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's decoder."""
        return list((self.projector if task == CONTRAST else self.heads[task]).parameters())

    def inference_parameters(self) -> list[Parameter]:
        """All but those of the projector."""
        return [*self.encoder.parameters(), *self.heads.parameters()]


def build_model(
    channels: Mapping[str, int],
    options: ModelOptions,
    seed: int,
    needs: Mapping[str, Learner] | None = None,
) -> Broadcast:
    """The model for the tasks in `channels` (task: width of its head); `needs`: the learner whose
    encoder and decoders it starts from, as `given`."""
    return Broadcast(channels, options, seed, (needs or {}).get("given"))
