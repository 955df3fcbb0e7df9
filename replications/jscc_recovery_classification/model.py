"""One transmission that serves to recover a picture and to tell what it shows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.channel import (
    ratios_under,
    reals_of,
    received,
    symbols_of,
    training_ratios,
)
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task
from replications.jscc_recovery_classification.coding_rate import reduction
from replications.jscc_recovery_classification.options import ModelOptions

RECOVERY, CLASSES = "reconstruction", "category"
_KEPT = 0.99
"""What the second moments of classes keep of themselves at a step."""


def layers(*units: int) -> nn.Sequential:
    """Linear layers with rectified units between them."""
    made: list[nn.Module] = []
    for before, after in itertools.pairwise(units):
        made += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*made[:-1])


class JointSourceChannel(Learner):
    """The encoder's symbols have unit power for each picture; the receiver decodes them, and takes
    the class whose subspace holds most of what it received."""

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.options = options
        self.price: Tensor | None = None
        """What the symbols of the last batch cost."""
        values, hidden = 2 * options.symbols, options.hidden
        with seeded(seed, "trunk"):
            self.encoder = layers(options.pixels, hidden, hidden, values)
        if options.gate:
            with seeded(seed, "gate"):
                self.gate = layers(1, 16, options.symbols)
                nn.init.constant_(self.gate[-1].bias, 2.0)  # type: ignore[arg-type]
        self.heads = nn.ModuleDict()
        if RECOVERY in channels:
            with seeded(seed, f"head/{RECOVERY}"):
                self.heads[RECOVERY] = layers(values, hidden, hidden, options.pixels)
        self.tasks = list(channels)
        count = channels.get(CLASSES, 0)
        if count and options.classifier == "linear":
            with seeded(seed, f"head/{CLASSES}"):
                self.heads[CLASSES] = nn.Linear(values, count)
        elif count:
            self.register_buffer("moments", torch.zeros(count, values, values))

    def opened(self, snr_db: Tensor) -> Tensor:
        """Which symbols are sent at each ratio, (B,): (B, k) of 0 and 1, with the gradient of the
        logistic function (straight through)."""
        soft: Tensor = self.gate(snr_db[:, None] / 20).sigmoid()
        hard = (soft > 0.5).float()
        # One at least, or there is nothing to normalise.
        hard[:, 0] = 1.0
        return hard + soft - soft.detach()

    def sent(self, images: Tensor, snr_db: Tensor) -> Tensor:
        """Pictures (B, C, H, W) to complex symbols (B, k), those that are left out 0, the others of
        unit power on average."""
        values = self.encoder(images.flatten(1))
        if not self.options.gate:
            return symbols_of(values)
        open_symbols = self.opened(snr_db)
        self.price = self.options.gate * open_symbols.sum(dim=1).mean()
        share = open_symbols.detach().mean(dim=1, keepdim=True)
        return symbols_of(values * torch.cat([open_symbols, open_symbols], dim=1)) * share.sqrt()

    def arrived(self, images: Tensor, snr_db: Tensor) -> Tensor:
        """Pictures to what the receiver has of them, (B, 2 k)."""
        symbols = self.sent(images, snr_db)
        found = received(symbols, snr_db, self.options.fading)
        return reals_of(torch.where(symbols == 0, 0, found))

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """Of the recovery the task's, of the classes the negative coding-rate reduction of what was
        received, as long as it has unit power, or cross entropy."""
        options, images = self.options, batch.inputs
        snr_db = training_ratios(options, images)
        arrived = self.arrived(images, snr_db)
        found = {}
        for name, task in tasks.items():
            if name == CLASSES and options.classifier == "subspace":
                unit = arrived / arrived.norm(dim=1, keepdim=True)
                classes = batch.labels[CLASSES]
                self._remember(unit.detach(), classes)
                found[name] = -reduction(unit, classes, options.distortion)
            else:
                found[name] = task.loss(self._decoded(arrived, name, images), batch.labels)
        return Losses(found)

    def penalties(self, moment: Moment) -> dict[str, Tensor]:
        """What the symbols cost that are sent."""
        return {} if self.price is None else {"symbols": self.price}

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task, at the ratio of the condition."""
        arrived = self.arrived(inputs, ratios_under(condition, self.options, inputs))
        return {name: self._decoded(arrived, name, inputs) for name in self.tasks}

    def learned(self) -> dict[str, Tensor]:
        """`sent`, (41, k): which symbols are sent at ratios from 0 to 20 dB, half a dB apart."""
        if not self.options.gate:
            return {}
        ratios = torch.arange(41, device=next(self.parameters()).device) / 2
        return {"sent": self.opened(ratios).detach()}

    def _decoded(self, arrived: Tensor, name: str, like: Tensor) -> Tensor:
        if name == CLASSES and self.options.classifier == "subspace":
            _, vectors = torch.linalg.eigh(self.moments)
            own = vectors[:, :, -self.options.rank :]
            return torch.einsum("bd,cdr->bcr", arrived, own).square().sum(dim=2)
        found: Tensor = self.heads[name](arrived)
        return found.sigmoid().view_as(like) if name == RECOVERY else found

    @torch.no_grad()
    def _remember(self, features: Tensor, classes: Tensor) -> None:
        """The second moment of each class over the last steps."""
        moments = self.get_buffer("moments")
        for kind in classes.unique():
            own = features[classes == kind]
            now = own.T @ own / len(own)
            fresh = not moments[kind].any()
            moments[kind] = now if fresh else _KEPT * moments[kind] + (1 - _KEPT) * now

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the transmitter."""
        gates = list(self.gate.parameters()) if self.options.gate else []
        return [*self.encoder.parameters(), *gates]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's decoder."""
        return list(self.heads[task].parameters()) if task in self.heads else []


def build_model(
    channels: Mapping[str, int], options: ModelOptions, seed: int
) -> JointSourceChannel:
    """The model for the tasks in `channels` (task: width of its head)."""
    return JointSourceChannel(channels, options, seed)
