"""One encoder and decoder for every modulation: the words of a codebook are its points."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

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
from replications.universal_jscc.options import ModelOptions
from replications.universal_jscc.switched import SwitchedNorm, switched


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
            self.codebooks = nn.ParameterList(
                torch.randn(2**own.bits, features) for own in self.points
            )
        self.heads = small_pictures.heads(
            channels,
            seed,
            lambda: small_pictures.recovery(width, features, norm),
            lambda classes: small_pictures.classifier(width, features, classes, norm),
        )
        self.distances: dict[str, Tensor] = {}
        """Of the last batch, what the words cost."""

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """Those of the tasks, over all modulations."""
        ends = [*self.options.from_db, self.options.to_db]
        # Nearly equal parts, whatever the size of a batch.
        parts = batch.inputs.tensor_split(len(self.points))
        passed: list[Tensor] = []
        distances: list[Tensor] = []
        for order, features in enumerate(self.each(self.encoder, parts)):
            snr_db = drawn_ratios(ends[order], ends[order + 1], features)
            words = self.words(self.sent(features, order), snr_db, order, features.shape)
            distances.append(self._distances(features, words))
            # Forward the words, backward to the features and to the words.
            passed.append(words + (features - features.detach()))
        codebook, commitment = self.options.penalty * torch.stack(distances).mean(dim=0)
        self.distances = {"codebook": codebook, "commitment": commitment}
        found = {task: torch.cat(self.each(self.heads[task], passed)) for task in tasks}
        return Losses({name: task.loss(found[name], batch.labels) for name, task in tasks.items()})

    def each(self, module: nn.Module, parts: Sequence[Tensor]) -> list[Tensor]:
        """What a module makes of the part of each modulation; of all at once with shared norms."""
        if self.options.norms == "shared":
            return list(module(torch.cat(list(parts))).split([len(part) for part in parts]))
        found = []
        for order, part in enumerate(parts):
            with switched(self, order):
                found.append(module(part))
        return found

    def penalties(self, moment: Moment) -> dict[str, Tensor]:
        """What the distances between features and words cost (van den Oord et al., NeurIPS 2017,
        equation 3, with the words that arrive)."""
        return self.distances

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task, by the modulation that suits the ratio of the condition."""
        ratio = condition.get("snr_db", self.options.snr_db)
        order = self.options.order_at(ratio)
        with switched(self, order):
            features = self.encoder(inputs)
            sent = self.sent(features, order)
            snr_db = inputs.new_full((len(inputs),), ratio)
            words = self.words(sent, snr_db, order, features.shape)
            return {name: head(words) for name, head in self.heads.items()}

    def sent(self, features: Tensor, order: int) -> Tensor:
        """The nearest word of every feature, (B, F, h, w): indices (B, h w)."""
        vectors = features.flatten(2).transpose(1, 2)
        return torch.cdist(vectors.detach(), self.codebooks[order].detach()).argmin(dim=2)

    def arrived(self, indices: Tensor, snr_db: Tensor, order: int) -> Tensor:
        """What the receiver takes indices (B, n) for, with hard decisions."""
        own = self.points[order]
        return own.nearest(received(own.points.to(indices.device)[indices], snr_db))

    def words(self, indices: Tensor, snr_db: Tensor, order: int, shape: torch.Size) -> Tensor:
        """The words of what arrives of indices, (B, h w), as features (B, F, h, w)."""
        found: Tensor = self.codebooks[order][self.arrived(indices, snr_db, order)]
        return found.transpose(1, 2).reshape(shape)

    def learned(self) -> dict[str, Tensor]:
        """`bits`, (orders,): sent for a feature by each modulation."""
        return {"bits": torch.tensor([float(own.bits) for own in self.points])}

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the transmitter, codebooks included."""
        return [*self.encoder.parameters(), *self.codebooks.parameters()]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's decoder."""
        return list(self.heads[task].parameters())

    def _distances(self, features: Tensor, words: Tensor) -> Tensor:
        """Of words from features, and of features from words, the latter as much as it costs."""
        codebook = F.mse_loss(words, features.detach())
        commitment = F.mse_loss(features, words.detach())
        return torch.stack([codebook, self.options.commitment * commitment])


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> UniversalJSCC:
    """The model for the tasks in `channels` (task: width of its head)."""
    return UniversalJSCC(channels, options, seed)
