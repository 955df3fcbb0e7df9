"""Sparse sharing (Sun et al., AAAI 2020): a subnetwork of one encoder for each task."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import Parameter

from replications.core.nets.columns import encoder, heads, widths
from replications.core.nets.learner import Learner, Moment
from replications.core.nets.passes import Passes, Switch, parts_of, per_task_norms
from replications.core.nets.shared_trunk import seeded
from replications.sparse_sharing.masks import (
    Masks,
    drawn,
    kernels,
    moved,
    overlap,
    pruned,
    stored,
)
from replications.sparse_sharing.options import ModelOptions


class SparseSharing(Passes):
    """One encoder; a task is predicted through the weights of its mask, with batch norm and a head
    of its own. Of a single task, masks come to be by pruning after each round of the training.
    """

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__()
        self.switch = Switch()
        self.trunk = nn.Sequential(*encoder(options, seed))
        per_task_norms(self.trunk, list(channels), self.switch)
        behind = widths(options)[-1]
        self.heads = heads(channels, options, seed, dict.fromkeys(channels, behind))
        self.left, self.prunings = options.left, options.prunings
        for task in channels:
            for name, weight in kernels(self.trunk).items():
                self.register_buffer(_buffer(task, name), torch.ones_like(weight))
        self.start = {name: value.clone() for name, value in self.state_dict().items()}

    def masks(self, task: str) -> Masks:
        """The weights that a task uses."""
        return {name: self.get_buffer(_buffer(task, name)) for name in kernels(self.trunk)}

    def use(self, task: str, masks: Masks) -> None:
        """Let a task use other weights."""
        for name, mask in masks.items():
            self.get_buffer(_buffer(task, name)).copy_(mask)

    def features(self, images: Tensor, task: str) -> Tensor:
        """(B, 3, H, W) to the features of a task."""
        self.switch.task = task
        masks = self.masks(task)
        used = {name: weight * masks[name] for name, weight in kernels(self.trunk).items()}
        found: Tensor = functional_call(self.trunk, used, (images,))
        return found

    def finish(self, moment: Moment) -> None:
        """After a round that is followed by others: prune, and begin anew from the first weights.

        Every pruning leaves the same share of what there was.
        """
        if moment.round >= self.prunings:
            return
        (task,) = self.heads
        left = self.left ** ((moment.round + 1) / self.prunings)
        kept = pruned(kernels(self.trunk), self.masks(task), left)
        state = self.state_dict()
        for name, value in self.start.items():
            state[name].copy_(value)
        self.use(task, kept)

    def learned(self) -> dict[str, Tensor]:
        """`overlap`, (K, K): of the weights that either of two tasks uses, the share that both
        do."""
        masks = [self.masks(task) for task in self.heads]
        return {"overlap": torch.tensor([[overlap(a, b) for b in masks] for a in masks])}

    def shared_parameters(self) -> list[Parameter]:
        """The weights that masks choose from, and what every task uses whole: biases and the
        embeddings of words."""
        own = {id(p) for task in self.heads for p in parts_of(self.trunk, task)}
        return [p for p in self.trunk.parameters() if id(p) not in own]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's batch norm and head."""
        return [*parts_of(self.trunk, task), *self.heads[task].parameters()]

    def inference_parameters(self) -> list[Parameter]:
        """What no mask chooses from, and as many numbers as the weights in use and masks take."""
        count = stored(self.masks(task) for task in self.heads)
        masked = {id(p) for p in kernels(self.trunk).values()}
        whole = [p for p in self.shared_parameters() if id(p) not in masked]
        own = [p for task in self.heads for p in self.task_parameters(task)]
        return [Parameter(torch.empty(count, device="meta")), *whole, *own]


def _buffer(task: str, name: str) -> str:
    return f"mask/{task}/{name}".replace(".", "/")


def build_model(
    channels: Mapping[str, int],
    options: ModelOptions,
    seed: int,
    needs: Mapping[str, Learner] | None = None,
) -> SparseSharing:
    """The model for the tasks in `channels` (task: channels of its prediction); `needs`: the pruned
    networks whose masks it has, by task."""
    model = SparseSharing(channels, options, seed)
    for task, found in (needs or {}).items():
        if not isinstance(found, SparseSharing):
            raise TypeError(f"'{task}' has the mask of a pruned network, not of {type(found)}")
        model.use(task, found.masks(task))
    if options.masks == "random":
        for task in channels:
            with seeded(seed, f"mask/{task}"):
                masks = (
                    moved(model.masks(task)) if needs else drawn(model.masks(task), options.left)
                )
                model.use(task, masks)
    return model
