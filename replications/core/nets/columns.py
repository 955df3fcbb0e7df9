"""An encoder for each task, in stages that may be shared or coupled: what ways of sharing vary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.decoders import ConvHead
from replications.core.nets.learner import Learner, Losses, Moment, cuttable
from replications.core.nets.registry.staged import STAGED, HeadKind, StagedOptions
from replications.core.nets.shared_trunk import seeded
from replications.core.tasks.base import Task, losses_of


def encoder(options: StagedOptions, seed: int) -> nn.ModuleList:
    """The stages of an encoder; all encoders of a seed start alike."""
    with seeded(seed, "trunk"):
        kind = STAGED[options.encoder]
        return nn.ModuleList(kind.build(options.width, options.stride, options.pretrained))


def widths(options: StagedOptions) -> tuple[int, ...]:
    """The channels of each stage's output."""
    return STAGED[options.encoder].channels(options.width)


class CellHead(nn.Module):
    """Two 1x1 convolutions: a prediction for each cell of the encoder's grid."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(inputs, hidden, 1)
        self.out = nn.Conv2d(hidden, outputs, 1)

    def forward(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h, w)."""
        prediction: Tensor = self.out(F.relu(self.hidden(features)))
        return prediction


class ImageHead(nn.Module):
    """The mean over all places and two linear layers: a prediction for the image."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, outputs)

    def forward(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, inputs, h, w) to (B, outputs)."""
        prediction: Tensor = self.out(F.relu(self.hidden(features.mean(dim=(2, 3)))))
        return prediction


class WordHead(nn.Module):
    """One linear layer: a prediction for each word of a sentence."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.out = nn.Conv2d(inputs, outputs, 1)

    def forward(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, inputs, 1, L) to (B, outputs, L)."""
        prediction: Tensor = self.out(features)
        return prediction[:, :, 0]


_HEADS: dict[HeadKind, type[nn.Module]] = {
    "map": ConvHead,
    "cells": CellHead,
    "image": ImageHead,
    "words": WordHead,
}


def heads(
    channels: Mapping[str, int], options: StagedOptions, seed: int, inputs: Mapping[str, int]
) -> nn.ModuleDict:
    """The head of every task, whose channels are those of its prediction; a task's head starts
    alike whatever other tasks there are. `inputs`: channels of what each is fed with."""
    found = nn.ModuleDict()
    for task, outputs in channels.items():
        kind = _HEADS[options.head_of(task)]
        with seeded(seed, f"head/{task}"):
            found[task] = kind(inputs[task], options.head_channels, outputs)
    return found


class Columns(Learner):
    """The first stages common to all tasks, from there on a column of stages for each, and a head.

    With nothing in common it is the single-task networks side by side; with everything, hard
    sharing (Caruana, 1997). A subclass couples columns in `exchange`, and
    chooses in `fed`.
    """

    def __init__(
        self, channels: Mapping[str, int], options: StagedOptions, seed: int, common: int = 0
    ) -> None:
        """`channels`: those of each task's prediction; `common`: stages of all tasks."""
        super().__init__()
        self.trunk = encoder(options, seed)[:common]
        self.columns = nn.ModuleDict({task: encoder(options, seed)[common:] for task in channels})
        inputs = dict.fromkeys(channels, widths(options)[-1])
        self.heads = heads(channels, options, seed, inputs)

    def exchange(self, level: int, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """What the next stage of every column is fed with; `level`: stages of the columns that are
        behind, less one."""
        return features

    def encode(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) to the features that all tasks have in common."""
        for stage in self.trunk:
            images = stage(images)
        return images

    def columned(self, common: Tensor) -> dict[str, Tensor]:
        """What the heads are fed with."""
        features = dict.fromkeys(self.columns, common)
        behind: dict[str, list[Tensor]] = {task: [common] for task in features}
        for level, stages in enumerate(zip(*self.columns.values(), strict=True)):
            passed = zip(self.columns, stages, strict=True)
            features = self.exchange(level, {t: stage(features[t]) for t, stage in passed})
            for task, own in features.items():
                behind[task].append(own)
        return {task: self.fed(task, own) for task, own in behind.items()}

    def fed(self, task: str, features: list[Tensor]) -> Tensor:
        """What a head is fed with, of the common features and those behind each stage of its
        column."""
        return features[-1]

    def decoded(
        self, common: Tensor, size: tuple[int, int], tasks: Iterable[str]
    ) -> dict[str, Tensor]:
        """A prediction of each of `tasks` from what all have in common."""
        features = self.columned(common)
        return {task: self.heads[task](features[task], size) for task in tasks}

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of the predictions."""
        common = cuttable(self.encode(batch.inputs))
        predictions = self.decoded(common, size_of(batch.inputs), tasks)
        losses = losses_of(tasks, {t: [p] for t, p in predictions.items()}, batch.labels)
        return Losses(losses, (common,) if len(self.trunk) else ())

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task; no condition changes it."""
        return self.decoded(self.encode(inputs), size_of(inputs), self.heads)

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the stages in common."""
        return list(self.trunk.parameters())

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's column and head."""
        return [*self.columns[task].parameters(), *self.heads[task].parameters()]


def start_apart(model: Columns, options: StagedOptions, seed: int) -> None:
    """Let each column start from other weights, where they would start alike.

    Raises:
        ValueError: the weights are given, and the same for all.
    """
    if options.pretrained:
        raise ValueError("pretrained columns start alike; set pretrained: false")
    for task, column in model.columns.items():
        with seeded(seed, f"trunk/{task}"):
            own_seed = int(torch.randint(2**31, ()))
        column.load_state_dict(encoder(options, own_seed).state_dict())


def continued(model: Columns, trained: Mapping[str, Learner]) -> None:
    """Begin the columns and heads of tasks, which have no stages in common, with the weights of
    trained networks of columns, by task.

    Raises:
        TypeError: one of them is no such network.
    """
    for task, network in trained.items():
        if not isinstance(network, Columns):
            raise TypeError(f"'{task}' begins with a network of columns, not {type(network)}")
        stages = nn.ModuleList([*network.trunk, *network.columns[task].children()])
        model.columns[task].load_state_dict(stages.state_dict())
        model.heads[task].load_state_dict(network.heads[task].state_dict())


def size_of(images: Tensor) -> tuple[int, int]:
    """(H, W) of images (B, C, H, W)."""
    return images.shape[-2], images.shape[-1]
