"""The shared-trunk model: one trunk and a head per task; single-task is the same with one head."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import Parameter

Build = Callable[[], nn.Module]
Features = Tensor | tuple[Tensor, ...]
"""What the tasks share: one map, or several from fine to coarse."""


@contextmanager
def seeded(seed: int, part: str) -> Iterator[None]:
    """Random numbers inside the block depend on `seed` and `part` alone.

    So the trunk starts from the same weights whatever heads follow, and a head from the same
    weights whatever heads stand beside it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(zlib.crc32(f"{seed}/{part}".encode()))
        yield


class SharedTrunk(nn.Module):
    """Images to `{task: prediction}` through features that all tasks share.

    The trunk maps (B, 3, H, W) to features; a head maps (features, (H, W)) to a prediction.
    """

    def __init__(self, trunk: Build, heads: Mapping[str, Build], seed: int) -> None:
        super().__init__()
        with seeded(seed, "trunk"):
            self.trunk = trunk()
        self.heads = nn.ModuleDict()
        for task, build in heads.items():
            with seeded(seed, f"head/{task}"):
                self.heads[task] = build()

    def encode(self, images: Tensor) -> Features:
        """Shared features; where per-task gradients are cut."""
        features: Features = self.trunk(images)
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
        one, and with deep supervision those of inner layers."""
        return {task: [final] for task, final in self.decode(features, size, tasks).items()}

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) to a prediction per task."""
        return self.decode(self.encode(images), (images.shape[-2], images.shape[-1]))

    def inference_parameters(self) -> list[Parameter]:
        """Parameters that `forward` needs; others only serve training."""
        return list(self.parameters())

    def shared_parameters(self) -> list[Parameter]:
        """Parameters every task uses."""
        return list(self.trunk.parameters())

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of one task's head."""
        return list(self.heads[task].parameters())
