"""What a weighting is to the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.nets.learner import Features
from replications.core.tasks.base import Task

Losses = Mapping[str, Tensor]


class GradientError(Exception):
    """A task's gradient is NaN or infinite."""

    def __init__(self, task: str) -> None:
        super().__init__(f"the gradient of task '{task}' is not finite")
        self.task = task


@dataclass(frozen=True)
class Context:
    """What a weighting is built for.

    Attributes:
        tasks: those with a loss, by name.
        steps: of the whole training.
        epoch: steps that make one pass over the training samples.
    """

    tasks: Mapping[str, Task]
    device: torch.device
    steps: int
    epoch: int


class Shared(Protocol):
    """What a weighting may know of the model: what the tasks share."""

    def shared_parameters(self) -> Sequence[Parameter]:
        """Parameters every task uses."""


class Weighting(nn.Module, ABC):
    """Turns the losses of a step into gradients; a module, so that its own learned parameters are
    optimised and its state is saved with the model's."""

    lr: float | None = None
    """The learning rate of its parameters before the schedule; none: that of the model."""

    @abstractmethod
    def backward(self, losses: Losses, features: Features, model: Shared) -> dict[str, Tensor]:
        """Leave gradients on all parameters.

        Arguments:
            losses: scalar loss of each task present in the batch.
            features: the shared representation the heads were fed with, where a weighting that
                needs each task's gradient can cut the graph (`learner.cuttable`); several
                maps where the trunk has several or the tasks have batches of their own.
            model: the shared parameters.

        Returns:
            What the history keeps, by column name (scalars, detached), the weight of every task
            as `weight_<task>` among them.

        Raises:
            GradientError: a task's gradient is NaN or infinite, where the weighting looks at it.
        """

    def cost(self) -> dict[str, float]:
        """What the run's cost keeps of the weighting, such as the seconds of its solver."""
        return {}
