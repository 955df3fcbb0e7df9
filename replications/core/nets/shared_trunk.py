"""The shared-trunk model: one trunk and a head per task; single-task is the same with one head."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.learner import Features, Learner, Losses, Moment, cuttable
from replications.core.tasks.base import Task, loss_terms

Build = Callable[[], nn.Module]


@contextmanager
def seeded(seed: int, part: str) -> Iterator[None]:
    """Random numbers inside the block depend on `seed` and `part` alone.

    So the trunk starts from the same weights whatever heads follow, and a head from the same
    weights whatever heads stand beside it; several trunks that are all built as the part `trunk`
    start from the weights of the single-task models.
    """
    on_gpu = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=on_gpu):
        torch.manual_seed(zlib.crc32(f"{seed}/{part}".encode()))
        yield


class SharedTrunk(Learner):
    """Inputs to `{task: prediction}` through features that all tasks share.

    The trunk maps an input, such as images (B, 3, H, W), to features; a head maps (features,
    size), where the size is that of the last two axes of the input, to a prediction.
    """

    def __init__(self, trunk: Build, heads: Mapping[str, Build], seed: int) -> None:
        super().__init__()
        with seeded(seed, "trunk"):
            self.trunk = trunk()
        self.heads = nn.ModuleDict()
        for task, build in heads.items():
            with seeded(seed, f"head/{task}"):
                self.heads[task] = build()

    def encode(self, inputs: Any) -> Features:
        """Shared features; where per-task gradients are cut."""
        features: Features = self.trunk(inputs)
        return features

    def decode(
        self, features: Features, size: tuple[int, int], tasks: Iterable[str] | None = None
    ) -> dict[str, Tensor]:
        """A prediction of every task, or of those in `tasks`, from the shared features."""
        chosen = self.heads if tasks is None else tasks
        return {task: self.heads[task](features, size) for task in chosen}

    def supervised(
        self, features: Features, size: tuple[int, int], tasks: Iterable[str]
    ) -> dict[str, list[Tensor]]:
        """The predictions over which the loss of each of `tasks` is summed in training: the final
        one first, and with deep supervision those of inner layers."""
        return {task: [final] for task, final in self.decode(features, size, tasks).items()}

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of the supervised predictions."""
        features = cuttable(self.encode(batch.inputs))
        predictions = self.supervised(features, _size(batch.inputs), tasks)
        maps = (features,) if isinstance(features, Tensor) else features
        terms = loss_terms(tasks, predictions, batch.labels)
        final = {name: own[0].detach() for name, own in terms.items() if len(own) > 1}
        return Losses({name: own.sum() for name, own in terms.items()}, maps, final)

    def predict(self, inputs: Any, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task; no condition changes it."""
        return self.decode(self.encode(inputs), _size(inputs))

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the trunk."""
        return list(self.trunk.parameters())

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of one task's head."""
        return list(self.heads[task].parameters())


def _size(inputs: Any) -> tuple[int, int]:
    return (0, 0) if isinstance(inputs, dict) else (inputs.shape[-2], inputs.shape[-1])
