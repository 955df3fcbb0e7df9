"""What the engine trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.tasks.base import Task

Features = Tensor | tuple[Tensor, ...]
"""What the tasks share: one map, or several from fine to coarse."""


@overload
def cuttable(features: Tensor) -> Tensor: ...
@overload
def cuttable(features: tuple[Tensor, ...]) -> tuple[Tensor, ...]: ...
@overload
def cuttable(features: Features) -> Features: ...
def cuttable(features: Features) -> Features:
    """The same features, each map a view of its own.

    A coarse map is often made from a finer one; with the heads fed views, the gradient of one map
    holds nothing of what comes by way of another.
    """
    if isinstance(features, Tensor):
        return features.view_as(features)
    return tuple(f.view_as(f) for f in features)


@dataclass(frozen=True)
class Moment:
    """Where a training stands.

    Attributes:
        step: from 0, of all `steps` of the training.
        phase: the name of the phase under way.
        round: how often the phases have been gone through before, of all `rounds`.
    """

    step: int
    steps: int
    phase: str
    round: int = 0
    rounds: int = 1


@dataclass(frozen=True)
class Losses:
    """The losses of a batch.

    Attributes:
        by_task: scalars, of the tasks that the batch has the labels of.
        representation: what the tasks share, where a weighting may cut the graph to take each
            task's gradient, as `cuttable` returns it; none where it may not be cut.
        final: of a task whose loss is the sum over several predictions, that of the final one;
            for curves.
    """

    by_task: dict[str, Tensor]
    representation: tuple[Tensor, ...] = ()
    final: dict[str, Tensor] = field(default_factory=dict)


class Learner(nn.Module, ABC):
    """A model with the way it learns.

    Its state is that of a module: what a killed training must find again is a parameter or a
    buffer. Random numbers are drawn from torch's own generator, whose state is kept as well.
    """

    @abstractmethod
    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of `tasks` on a batch of the training."""

    @abstractmethod
    def predict(self, inputs: Any, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task, of inputs as the dataset's decoding makes them."""

    def forward(self, inputs: Any) -> dict[str, Tensor]:
        """The prediction under the usual condition, whose cost is measured."""
        return self.predict(inputs)

    def penalties(self, moment: Moment) -> dict[str, Tensor]:
        """Scalars to be minimised besides the losses, once a step and not weighted, by name."""
        return {}

    def finish(self, moment: Moment) -> None:
        """What happens when a phase has ended: prune, average, sample, freeze."""

    def learned(self) -> dict[str, Tensor]:
        """What a trained learner has found out, to be drawn, by name: which tasks share what."""
        return {}

    def shared_parameters(self) -> Sequence[Parameter]:
        """Parameters every task uses."""
        return []

    def task_parameters(self, task: str) -> Sequence[Parameter]:
        """Parameters of one task alone."""
        return []

    def inference_parameters(self) -> Sequence[Parameter]:
        """Parameters that `predict` needs; others only serve training."""
        return list(self.parameters())
