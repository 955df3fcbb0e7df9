"""Scale-invariant weighting: the sum of the logarithms of the losses."""

from __future__ import annotations

import torch
from torch import Tensor

from replications.core.nets.learner import Features
from replications.core.weighting.base import Context, Losses, Shared, Weighting
from replications.core.weighting.scale_invariant.options import ScaleInvariantOptions


def build(options: ScaleInvariantOptions, context: Context) -> ScaleInvariant:
    """The weighting its options describe."""
    return ScaleInvariant()


class ScaleInvariant(Weighting):
    """Minimises sum_k log L_k, so a factor on a loss changes nothing (SI in Navon et al., 2022)."""

    def backward(self, losses: Losses, features: Features, model: Shared) -> dict[str, Tensor]:
        """Gradients of the sum of logarithms: the weight of a task is 1 / L_k."""
        values = torch.stack(list(losses.values()))
        # A loss of 0, where a batch has no valid pixel, has no gradient and must not give NaN.
        values.clamp(min=torch.finfo(values.dtype).tiny).log().sum().backward()
        weights = torch.where(values > 0, 1 / values.detach(), 0)
        return {f"weight_{t}": w for t, w in zip(losses, weights, strict=True)}
