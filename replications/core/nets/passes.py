"""Networks that are run for one task at a time, with parts that the task has of its own."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.columns import size_of
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.tasks.base import Task, losses_of


class Switch:
    """The task whose parts are in use."""

    task: str = ""


class PerTask(nn.Module):
    """A part of each task; forward is that of the task in use."""

    def __init__(self, parts: Mapping[str, nn.Module], switch: Switch) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(parts)
        self.switch = switch

    def forward(self, x: Tensor) -> Tensor:
        """As the part's."""
        found: Tensor = self.parts[self.switch.task](x)
        return found


def per_task_norms(
    module: nn.Module, tasks: Sequence[str], switch: Switch, weights: bool = True
) -> None:
    """Give every batch norm in a module to each task, all as they are; without `weights` their
    running statistics alone: the passes of tasks differ, and an average fits none of them."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            own = {task: copy.deepcopy(child) for task in tasks}
            for norm in own.values() if not weights else ():
                norm.weight, norm.bias = child.weight, child.bias
            setattr(module, name, PerTask(own, switch))
        else:
            per_task_norms(child, tasks, switch, weights)


def parts_of(module: nn.Module, task: str) -> list[Parameter]:
    """The parameters in a module that are of one task alone."""
    switched = [m.parts for m in module.modules() if isinstance(m, PerTask)]
    others = {
        id(p) for parts in switched for t in parts if t != task for p in parts[t].parameters()
    }
    own = [p for parts in switched for p in parts[task].parameters()]
    return [p for p in own if id(p) not in others]


class Passes(Learner):
    """As many passes as there are tasks: through `features`, and a head of `heads`."""

    heads: nn.ModuleDict

    @abstractmethod
    def features(self, images: Tensor, task: str) -> Tensor:
        """(B, 3, H, W) to the features of a task."""

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of the predictions."""
        size = size_of(batch.inputs)
        predictions = {t: [self.heads[t](self.features(batch.inputs, t), size)] for t in tasks}
        return Losses(losses_of(tasks, predictions, batch.labels))

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task; no condition changes it."""
        size = size_of(inputs)
        return {task: head(self.features(inputs, task), size) for task, head in self.heads.items()}
