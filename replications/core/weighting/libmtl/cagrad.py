"""CAGrad (Liu et al., NeurIPS 2021) from the Gram matrix of the tasks' gradients."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def simplex_weights(gram: Tensor, c: float) -> Tensor:
    """The inner problem: argmin over the simplex of w^T K 1/n + c |g_0| sqrt(w^T K w).

    Arguments:
        gram: (K, K), float64, on the CPU.
        c: radius of the ball around the mean gradient g_0, in units of its length.

    Returns:
        (K,), float64.
    """
    from scipy.optimize import minimize  # half a second to import, and for this method alone

    n = len(gram)
    # The weights do not change with the unit of the gradients; the solver's tolerance would.
    a = (gram / gram.diagonal().mean()).numpy()
    mean = a.mean(1)
    radius = c * np.sqrt(mean.mean())

    def objective(w: np.ndarray) -> tuple[float, np.ndarray]:
        length = np.sqrt(max(w @ a @ w, 1e-16))
        return float(w @ mean + radius * length), mean + radius * (a @ w) / length

    found = minimize(
        objective,
        np.full(n, 1 / n),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * n,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-12, "maxiter": 200},
    )
    return torch.from_numpy(found.x)


def combination(gram: Tensor, weights: Tensor, c: float, rescale: int) -> Tensor:
    """(K,), the update g_0 + c |g_0| / |g_w| g_w as multiples of the tasks' gradients.

    `rescale` divides it by 1, 1 + c^2 or 1 + c, for 0, 1 and 2 (as in LibMTL).
    """
    n = len(gram)
    # Both lengths with LibMTL's own guards against zero.
    length_mean = (gram.mean() + 1e-8).sqrt()
    length = (weights @ gram @ weights).clamp(min=0).sqrt()
    update = 1 / n + (c * length_mean + 1e-8) / (length + 1e-8) * weights
    result: Tensor = update / (1.0, 1 + c**2, 1 + c)[rescale]
    return result
