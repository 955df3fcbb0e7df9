"""Attention between the blocks of an encoder, the nodes of a graph (Velickovic et al., ICLR 2018;
Yu et al., 2025)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SLOPE = 0.2
"""Of the leaky rectifier in a score."""


class Round(nn.Module):
    """Each node takes of all nodes what their means over places say that it needs."""

    def __init__(self, channels: int, attentive: bool) -> None:
        super().__init__()
        self.passed = nn.Conv2d(channels, channels, 1, bias=False)
        self.taker = nn.Linear(channels, 1, bias=False) if attentive else None
        self.giver = nn.Linear(channels, 1, bias=False) if attentive else None

    def weights(self, passed: Tensor) -> Tensor:
        """What node i takes of node j, (B, N, N), of sum 1 over j; of (B, N, C, h, w)."""
        if self.taker is None or self.giver is None:
            count = passed.shape[1]
            return passed.new_full((len(passed), count, count), 1 / count)
        means = passed.mean(dim=(3, 4))
        scores = self.taker(means) + self.giver(means).transpose(1, 2)
        return F.leaky_relu(scores, _SLOPE).softmax(dim=2)

    def forward(self, nodes: Tensor) -> Tensor:
        """(B, N, C, h, w) to the same."""
        passed = self.passed(nodes.flatten(0, 1)).unflatten(0, nodes.shape[:2])
        taken = torch.einsum("bij,bjchw->bichw", self.weights(passed), passed)
        return nodes + F.relu(taken)


class Relation(nn.Module):
    """How much of each node a task is sent."""

    def __init__(self, channels: int, count: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(count * channels, channels), nn.ReLU(), nn.Linear(channels, count)
        )

    def forward(self, nodes: Tensor) -> Tensor:
        """(B, N, C, h, w) to weights (B, N) of sum 1."""
        found: Tensor = self.layers(nodes.mean(dim=(3, 4)).flatten(1)).softmax(dim=1)
        return found
