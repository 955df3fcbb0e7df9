"""What sluice networks learn to share: subspaces (alpha) and layers (beta); Ruder et al., AAAI
2019, equations 1 to 4."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Subspaces(nn.Module):
    """Every subspace of every task becomes a combination of all: `alpha`, (S K, S K)."""

    def __init__(self, tasks: int, subspaces: int, own: float | None) -> None:
        super().__init__()
        self.subspaces, count = subspaces, tasks * subspaces
        others = 1 / count if own is None else (1 - own) / max(1, count - 1)
        alpha = torch.full((count, count), others)
        alpha.fill_diagonal_(1 / count if own is None else own)
        self.alpha = nn.Parameter(alpha)

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """The tasks' features, (B, C, H, W) each, to as many; C is a multiple of S."""
        pieces = torch.stack([p for x in features for p in x.chunk(self.subspaces, dim=1)])
        mixed = torch.einsum("ij,jbchw->ibchw", self.alpha, pieces)
        return [torch.cat(list(own), dim=1) for own in mixed.split(self.subspaces)]


class Layers(nn.Module):
    """What a task's head is fed with: the sum over stages of `beta` times their features, which a
    1x1 convolution and averaging bring to the channels and the size of the last."""

    def __init__(self, channels: Sequence[int], last: float) -> None:
        super().__init__()
        before = len(channels) - 1
        self.beta = nn.Parameter(torch.tensor([(1 - last) / before] * before + [last]))
        self.project = nn.ModuleList(nn.Conv2d(c, channels[-1], 1) for c in channels[:-1])

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """The features of all stages, fine to coarse, to (B, C, h, w) of the last."""
        *early, last = features
        fitted = [
            project(F.avg_pool2d(x, x.shape[-1] // last.shape[-1]))
            for project, x in zip(self.project, early, strict=True)
        ]
        found: Tensor = torch.einsum("l,lbchw->bchw", self.beta, torch.stack([*fitted, last]))
        return found


def overlap(kernel: Tensor) -> Tensor:
    """The squared Frobenius norm of G1 G2^T, of the weights (C', C, h, w) that make the two halves
    of the channels: 0 where no two of them look for the same."""
    one, other = kernel.flatten(1).chunk(2)
    return (one @ other.T).square().sum()
