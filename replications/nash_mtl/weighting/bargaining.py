"""The Nash bargaining solution of K tasks, from the Gram matrix of their gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

SHORTEST = 1e-7
"""Length under which a convex combination of unit gradients counts as zero: the precision of
float32 gradients."""
_MOST_STEPS = 100


@dataclass(frozen=True)
class Bargain:
    """Solutions of a batch of bargaining problems, float64 on the device of the Gram matrices.

    Attributes:
        alpha: (..., K), positive; NaN where the point is Pareto stationary.
        residual: (...), max over tasks of |alpha_i (K alpha)_i - 1|; NaN likewise.
        stationary: (...), bool: some convex combination of the tasks' gradients vanishes, so no
            direction improves all tasks and the bargaining problem has no solution.
    """

    alpha: Tensor
    residual: Tensor
    stationary: Tensor


def sensitivity(gram: Tensor, alpha: Tensor) -> Tensor:
    """(...), by which a relative error of the Gram matrix is multiplied in the residual.

    At least 1; large where the gradients nearly cancel.
    """
    return (alpha * _times(gram.abs(), alpha)).amax(-1)


def residual(gram: Tensor, alpha: Tensor) -> Tensor:
    """(...), max over tasks of |alpha_i (K alpha)_i - 1|, of (..., K, K) and (..., K)."""
    return (alpha * _times(gram, alpha) - 1).abs().amax(-1)


def bargain(gram: Tensor) -> Bargain:
    """Solve K alpha = 1 / alpha for alpha > 0 (Navon et al., ICML 2022, claim 3.1).

    The equation is the stationarity of f(alpha) = alpha^T K alpha / 2 - sum log alpha_i, which is
    strictly convex on alpha > 0 even where K is singular: there is one solution, or, where K has a
    non-negative null vector, none. f is self-concordant, so a Newton step damped by
    1 / (1 + decrement) always lowers it and keeps alpha positive. Steps are taken on the
    correlation matrix D^-1/2 K D^-1/2; longer ones are tried while the decrement is large; after
    each, alpha is scaled to the minimum of f on its ray, where alpha^T K alpha is the number of
    tasks.

    The residual is at rounding level, about 1e-16 max_i alpha_i (|K| alpha)_i. That is at most 1e-8
    while no convex combination of the unit gradients is shorter than 1e-3, whatever the lengths of
    the gradients and however parallel they are. Below that the numbers of float64 are too coarse
    for an alpha that satisfies the equation better, and at `SHORTEST` the point counts as Pareto
    stationary.

    Arguments:
        gram: (..., K, K), symmetric and positive semi-definite; any float type and device.

    Raises:
        ValueError: an entry is NaN or infinite, or the matrix is not positive semi-definite.
    """
    matrix = gram.double().reshape(-1, *gram.shape[-2:])
    if not matrix.isfinite().all():
        raise ValueError(f"a Gram matrix has entries that are not finite: {matrix}")
    lengths = matrix.diagonal(dim1=-2, dim2=-1).clamp(min=0).sqrt()
    stationary = (lengths == 0).any(-1)
    scale = torch.where(lengths > 0, 1 / lengths, 0)
    beta, vanishing = _solve(matrix * scale[:, :, None] * scale[:, None, :], stationary)
    alpha = torch.where(vanishing[:, None], math.nan, beta * scale)
    batch = gram.shape[:-2]
    return Bargain(
        alpha.reshape(*batch, -1),
        residual(matrix, alpha).reshape(batch),
        vanishing.reshape(batch),
    )


def _solve(correlation: Tensor, stationary: Tensor) -> tuple[Tensor, Tensor]:
    """Solution of (B, K, K) correlation matrices, (B, K), and which are stationary, (B,)."""
    tasks = correlation.shape[-1]
    beta = correlation.new_ones(correlation.shape[:-1])
    identity = torch.eye(tasks, dtype=beta.dtype, device=beta.device)
    decrement = torch.full_like(beta[:, 0], math.inf)
    done = stationary
    for _ in range(_MOST_STEPS):
        pull = _times(correlation, beta)
        energy = (beta * pull).sum(-1)
        stationary = stationary | (energy <= (SHORTEST * beta.sum(-1)) ** 2)
        done = done | stationary
        if done.all():
            return beta, stationary
        to_minimum = torch.where(done, 1, (tasks / energy.clamp(min=1e-300)).sqrt())[:, None]
        beta, pull = beta * to_minimum, pull * to_minimum
        excess = beta * pull - 1
        hessian = correlation * beta[:, :, None] * beta[:, None, :] + identity
        factor, failed = torch.linalg.cholesky_ex(hessian)
        if (failed.bool() & ~done).any():
            raise ValueError("a Gram matrix is not positive semi-definite")
        direction = -torch.cholesky_solve(excess[..., None], factor)[..., 0]
        before, decrement = decrement, (-(excess * direction).sum(-1)).clamp(min=0).sqrt()
        length = _step_length(correlation, beta, direction, decrement)
        beta = torch.where(done[:, None], beta, beta * (1 + length[:, None] * direction))
        # Where the decrement no longer shrinks as it must, it is rounding error.
        done = done | (decrement < 1e-8) | ((before < 0.25) & (decrement > before / 2))
    raise ValueError(f"no solution in {_MOST_STEPS} steps of Newton's method: {correlation}")


def _step_length(correlation: Tensor, beta: Tensor, direction: Tensor, decrement: Tensor) -> Tensor:
    """(B,): 1 near the solution; else the best of 1, 2, 4, ... times the damped step.

    Compared is f at the minimum on the ray of each candidate:
    K/2 log(beta^T C beta) - sum log beta_i, but for a constant.
    """
    near = decrement < 0.25
    if near.all():
        return torch.ones_like(decrement)
    factors = 2.0 ** torch.arange(12, dtype=beta.dtype, device=beta.device)
    lengths = factors[:, None] / (1 + decrement)
    change = beta * direction
    pull = _times(correlation, change)
    slope, curvature = (beta * pull).sum(-1), (change * pull).sum(-1)
    tasks = beta.shape[-1]
    energy = (tasks + 2 * lengths * slope + lengths**2 * curvature).clamp(min=1e-300)
    barrier = torch.log(1 + lengths[..., None] * direction).sum(-1)  # NaN beyond the boundary
    value = torch.nan_to_num(tasks / 2 * energy.log() - barrier, nan=math.inf)
    best = lengths.gather(0, value.argmin(0, keepdim=True))[0]
    return torch.where(near, 1, best)


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector[..., None])[..., 0]
