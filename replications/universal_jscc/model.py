"""One encoder and decoder for every modulation: the words of a codebook are its points."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets import small_pictures
from replications.core.nets.channel import drawn_ratios, received
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.modulation import constellation
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task
from replications.universal_jscc.codebook import Codebook
from replications.universal_jscc.options import ModelOptions
from replications.universal_jscc.switched import SwitchedNorm, switched

Parts = Mapping[int, Tensor]
"""Something of the samples of each modulation, by its index."""


def joined(parts: Parts) -> Tensor:
    """All of them, one part after the other."""
    return torch.cat(list(parts.values()))


class UniversalJSCC(Learner):
    """Each feature of a picture is sent as the point of its nearest word in the codebook of the
    modulation that suits the channel; the receiver decodes the words of the points it decides on.

    In training a batch is divided among the modulations, so that all of them cost what one does.
    """

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.options = options
        self.points = [constellation(order) for order in options.orders]
        count = len(options.orders) if options.norms == "own" else 1
        norm = functools.partial(SwitchedNorm, count=count)
        width, features = options.width, options.features
        with seeded(seed, "trunk"):
            self.encoder = nn.Sequential(
                small_pictures.encoder(width, features, norm), norm(features, affine=False)
            )
        with seeded(seed, "codebooks"):
            self.codebooks = nn.ModuleList(
                Codebook(2**own.bits, features, options.kept) for own in self.points
            )
        self.heads = small_pictures.heads(
            channels,
            seed,
            lambda: small_pictures.recovery(width, features, norm),
            lambda classes: small_pictures.classifier(width, features, classes, norm),
        )
        self.register_buffer("starts", torch.tensor(options.from_db[1:]), persistent=False)
        self.distance = torch.zeros(())
        """Of the features of the last batch from their words."""

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """Those of the tasks, over all modulations."""
        ends = [*self.options.from_db, self.options.to_db]
        # Nearly equal parts, whatever the size of a batch.
        parts = dict(enumerate(batch.inputs.tensor_split(len(self.points))))
        ratios = {k: drawn_ratios(ends[k], ends[k + 1], part) for k, part in parts.items()}
        features = self.each(self.encoder, parts)
        words = self.heard(features, ratios)
        distances = [F.mse_loss(own, words[k]) for k, own in features.items()]
        self.distance = torch.stack(distances).mean()
        # Forward the words, backward to the features.
        passed = {k: own + (words[k] - own).detach() for k, own in features.items()}
        found = {task: joined(self.each(self.heads[task], passed)) for task in tasks}
        return Losses({name: task.loss(found[name], batch.labels) for name, task in tasks.items()})

    def each(self, module: nn.Module, parts: Parts) -> Parts:
        """What a module makes of the part of each modulation; of all at once with shared norms."""
        if self.options.norms == "shared":
            found = module(joined(parts)).split([len(part) for part in parts.values()])
            return dict(zip(parts, found, strict=True))
        made = {}
        for order, part in parts.items():
            with switched(self, order):
                made[order] = module(part)
        return made

    def penalties(self, moment: Moment) -> dict[str, Tensor]:
        """What the distance of features from their words costs (van den Oord et al., NeurIPS 2017,
        the last term of equation 3, with the words that arrive)."""
        return {"commitment": self.options.commitment * self.distance}

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task, each picture by the modulation that suits its ratio."""
        snr_db = self.ratios(inputs, condition)
        orders = self.orders(snr_db)
        places = {k: (orders == k).nonzero()[:, 0] for k in orders.unique().tolist()}
        features = self.each(self.encoder, {k: inputs[own] for k, own in places.items()})
        words = self.heard(features, {k: snr_db[own] for k, own in places.items()})
        back = joined(places).argsort()
        return {name: joined(self.each(head, words))[back] for name, head in self.heads.items()}

    def ratios(self, inputs: Tensor, condition: Condition) -> Tensor:
        """That of the condition, or the usual one, for each of an evaluation's inputs, (B,)."""
        options = self.options
        if options.spread and "snr_db" not in condition:
            return drawn_ratios(options.from_db[0], options.to_db, inputs)
        return inputs.new_full((len(inputs),), condition.get("snr_db", options.snr_db))

    def orders(self, snr_db: Tensor) -> Tensor:
        """The index of the modulation that is used at each of some ratios."""
        return torch.bucketize(snr_db, self.get_buffer("starts"), right=True)

    def heard(self, features: Parts, ratios: Parts) -> Parts:
        """The words that arrive of the features of each modulation, at a ratio for each sample; in
        training the words learn."""
        found = {}
        for order, own in features.items():
            indices = self.arrived(self.sent(own, order), ratios[order], order)
            found[order] = self.words(indices, order, own.shape)
            if self.training:
                self.codebooks[order].learn(own, indices)  # type: ignore[operator]
        return found

    def sent(self, features: Tensor, order: int) -> Tensor:
        """The nearest word of every feature, (B, F, h, w): indices (B, h w)."""
        vectors = features.detach().flatten(2).transpose(1, 2)
        return torch.cdist(vectors, self.codebooks[order].words).argmin(dim=2)  # type: ignore[arg-type]

    def arrived(self, indices: Tensor, snr_db: Tensor, order: int) -> Tensor:
        """What the receiver takes indices (B, n) for, with hard decisions."""
        own = self.points[order]
        return own.nearest(received(own.points.to(indices.device)[indices], snr_db))

    def words(self, indices: Tensor, order: int, shape: torch.Size) -> Tensor:
        """The words of indices (B, h w) as features (B, F, h, w)."""
        found: Tensor = self.codebooks[order].words[indices]  # type: ignore[index]
        return found.transpose(1, 2).reshape(shape)

    def learned(self) -> dict[str, Tensor]:
        """`bits`, (orders,): sent for a feature by each modulation."""
        return {"bits": torch.tensor([float(own.bits) for own in self.points])}

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the transmitter, codebooks included, though no gradient moves them."""
        return [*self.encoder.parameters(), *self.codebooks.parameters()]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's decoder."""
        return list(self.heads[task].parameters())


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> UniversalJSCC:
    """The model for the tasks in `channels` (task: width of its head)."""
    return UniversalJSCC(channels, options, seed)
