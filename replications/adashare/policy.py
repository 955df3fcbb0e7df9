"""Which blocks tasks select: what is learned, how it is drawn, what it costs (Sun et al., NeurIPS
2020, sections 3.1 and 3.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SELECT = 0
"""The first of a block's two logits; the other is to skip it."""


def relaxed(logits: Tensor, temperature: float) -> Tensor:
    """A draw of (K, L, 2) logits as shares of selection, (K, L) in (0, 1), with a gradient: the
    Gumbel-softmax (equation 1)."""
    soft: Tensor = F.gumbel_softmax(logits, temperature)
    return soft[..., SELECT]


def sampled(logits: Tensor) -> Tensor:
    """A draw of (K, L, 2) logits, (K, L) bool."""
    probability = logits.softmax(dim=-1)[..., SELECT]
    return torch.rand(probability.shape) < probability


def shuffled(policy: Tensor) -> Tensor:
    """As many blocks of every task as a policy selects, (K, L) bool, but at random."""
    return torch.stack([row[torch.randperm(len(row))] for row in policy])


def sparsity(logits: Tensor) -> Tensor:
    """The log-likelihood of every block being selected by every task, summed (equation 3)."""
    return logits.log_softmax(dim=-1)[..., SELECT].sum()


def difference(logits: Tensor) -> Tensor:
    """How far the probabilities of selection of each two tasks are apart, block by block, weighted
    (L - l) / L at block l from 0 on, so that lower blocks are shared sooner (equation 4)."""
    probability = logits.softmax(dim=-1)[..., SELECT]
    tasks, blocks = probability.shape
    weight = (blocks - torch.arange(blocks, device=logits.device)) / blocks
    pairs = torch.combinations(torch.arange(tasks, device=logits.device))
    apart = (probability[pairs[:, 0]] - probability[pairs[:, 1]]).abs()
    return (weight * apart).sum()
