"""Coding-rate reduction (Yu et al., NeurIPS 2020; Lyu et al., 2024, equations 8 to 10)."""

from __future__ import annotations

import torch
from torch import Tensor


def rate(features: Tensor, distortion: float) -> Tensor:
    """Half the nats that coding features (N, D) up to a squared error takes, per sample:
    1/2 logdet(I + D / (N distortion) Z^T Z)."""
    count, dim = features.shape
    gram = features.T @ features * (dim / (count * distortion))
    return torch.logdet(torch.eye(dim, device=gram.device) + gram) / 2


def reduction(features: Tensor, classes: Tensor, distortion: float) -> Tensor:
    """How much shorter the code of features (N, D) becomes by knowing their classes, (N,): the rate
    of all, less the rates of the classes by their shares."""
    own = [features[classes == kind] for kind in classes.unique()]
    parts = torch.stack([rate(part, distortion) * (len(part) / len(features)) for part in own])
    return rate(features, distortion) - parts.sum()
