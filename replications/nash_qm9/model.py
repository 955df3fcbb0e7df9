"""The network of the QM9 experiment: message passing, and a linear head per property."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

from replications.core.nets.shared_trunk import SharedTrunk
from replications.nash_qm9.message_passing import MessagePassing
from replications.nash_qm9.options import ModelOptions


class LinearHead(nn.Module):
    """One linear layer on what the tasks share."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.out = nn.Linear(inputs, outputs)

    def forward(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, inputs) to (B, outputs); the size of the input does not matter to it."""
        prediction: Tensor = self.out(features)
        return prediction


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> SharedTrunk:
    """The model for the tasks in `channels` (task: width of its head)."""
    heads = {task: partial(LinearHead, options.dim, width) for task, width in channels.items()}
    return SharedTrunk(partial(MessagePassing, options), heads, seed)
