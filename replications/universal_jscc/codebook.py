"""Words that features are sent as."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_NONE = 1e-20
"""A word that so little was taken for stays where it is."""


class Codebook(nn.Module):
    """Moving averages of the features that each word is taken for at the receiver (van den Oord et
    al., NeurIPS 2017, appendix A.1, with what arrives); no gradient moves them, so that they have
    no rate."""

    taken: Tensor
    total: Tensor

    def __init__(self, count: int, features: int, kept: float) -> None:
        super().__init__()
        self.kept = kept
        self.words = nn.Parameter(torch.randn(count, features), requires_grad=False)
        # As if each had been taken for one feature, in one step.
        self.register_buffer("taken", torch.full((count,), 1 - kept))
        self.register_buffer("total", (1 - kept) * self.words.detach())

    @torch.no_grad()
    def learn(self, features: Tensor, indices: Tensor) -> None:
        """Of features (B, F, h, w), taken for the words of indices (B, h w)."""
        vectors = features.flatten(2).transpose(1, 2).flatten(0, 1)
        chosen = F.one_hot(indices.flatten(), len(self.words)).to(vectors.dtype)
        self.taken.lerp_(chosen.sum(dim=0), 1 - self.kept)
        self.total.lerp_(chosen.T @ vectors, 1 - self.kept)
        known = self.taken > _NONE
        self.words[known] = self.total[known] / self.taken[known].unsqueeze(1)
