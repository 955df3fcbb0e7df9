"""One encoder, whose stages feed the heads of different tasks (Søgaard and Goldberg, ACL 2016)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.columns import encoder, heads, size_of, widths
from replications.core.nets.learner import Learner, Losses, Moment, cuttable
from replications.core.nets.registry.staged import STAGES
from replications.core.tasks.base import Task, losses_of
from replications.hierarchical.options import ModelOptions


class Hierarchical(Learner):
    """A task is predicted from the features behind as many stages as its depth, and teaches these
    stages alone."""

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.depths = {task: options.depths.get(task, STAGES) for task in channels}
        self.trunk = encoder(options, seed)[: max(self.depths.values())]
        behind = widths(options)
        inputs = {task: behind[depth - 1] for task, depth in self.depths.items()}
        self.heads = heads(channels, options, seed, inputs)

    def encode(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) to the features behind every stage."""
        features = []
        for stage in self.trunk:
            images = stage(images)
            features.append(images)
        return tuple(features)

    def decode(
        self, features: tuple[Tensor, ...], size: tuple[int, int], tasks: Iterable[str]
    ) -> dict[str, Tensor]:
        """A prediction of each of `tasks`."""
        return {task: self.heads[task](features[self.depths[task] - 1], size) for task in tasks}

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of the predictions."""
        features = cuttable(self.encode(batch.inputs))
        predictions = self.decode(features, size_of(batch.inputs), tasks)
        losses = losses_of(tasks, {t: [p] for t, p in predictions.items()}, batch.labels)
        return Losses(losses, features)

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task; no condition changes it."""
        return self.decode(self.encode(inputs), size_of(inputs), self.heads)

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the first stages, which all tasks use."""
        return [p for stage in self.trunk[: min(self.depths.values())] for p in stage.parameters()]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's head."""
        return list(self.heads[task].parameters())


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> Hierarchical:
    """The model for the tasks in `channels` (task: channels of its prediction)."""
    return Hierarchical(channels, options, seed)
