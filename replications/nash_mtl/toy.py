"""The two-task problem in the plane on which Nash-MTL and its rivals are followed to the front.

The losses are those of Liu et al. (CAGrad, NeurIPS 2021), with the signs of the authors' code; the
starting points, the scale and the optimiser those of the code of Navon et al. (ICML 2022). Every
method turns the gradients of the two losses into one direction, which Adam follows; for two tasks
each has a closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from replications.core.data.labels import Array
from replications.core.engine.experiment import Measured, run_experiment
from replications.core.spec import Plan

if TYPE_CHECKING:
    import torch

STARTS = np.array([(-8.5, 7.5), (0.0, 0.0), (9.0, 9.0), (-7.5, -0.5), (9.0, -1.0)])
SCALES = (1.0, 0.1)
"""Factors on the first loss: without and with loss scaling."""
RATE = 1e-3
_LEAST = 5e-6
"""Below which the argument of a logarithm is held, and its gradient vanishes."""
_CAGRAD_RADIUS = 0.4
"""c of CAGrad: how far, relative to the mean gradient, its direction may be from it."""


def losses_and_gradients(theta: Array) -> tuple[Array, Array]:
    """(N, 2) points to losses (N, 2) and gradients (N, 2 losses, 2 coordinates).

    In the upper half plane each loss is a logarithmic valley along a curve, in the lower half plane
    a bowl about (7, -8) or (-7, -8); tanh(theta_2 / 2) fades one into the other. On
    the border, where one of the starts is, both halves have a slope.
    """
    x, y = theta[:, 0], theta[:, 1]
    fade, slope = np.tanh(y / 2), 0.5 / np.cosh(y / 2) ** 2
    upper, lower = np.maximum(fade, 0), np.maximum(-fade, 0)
    upper_slope, lower_slope = np.where(y >= 0, slope, 0), np.where(y <= 0, -slope, 0)
    losses, gradients = np.empty((len(theta), 2)), np.empty((len(theta), 2, 2))
    for task, (constant, turn, centre) in enumerate(((-3.5, 1.0, 7.0), (3.5, -1.0, -7.0))):
        inner = constant - 0.5 * x + turn * np.tanh(y)
        size = np.abs(inner)
        valley = np.log(np.maximum(size, _LEAST)) + 6
        pull = np.where(size >= _LEAST, np.sign(inner) / np.maximum(size, _LEAST), 0)
        bowl = ((x - centre) ** 2 + 0.1 * (y + 8) ** 2) / 10 - 20
        losses[:, task] = upper * valley + lower * bowl
        gradients[:, task, 0] = -0.5 * upper * pull + lower * (x - centre) / 5
        gradients[:, task, 1] = (
            upper_slope * valley
            + turn * upper * pull / np.cosh(y) ** 2
            + lower_slope * bowl
            + lower * 0.02 * (y + 8)
        )
    return losses, gradients


def gram(gradients: Array) -> tuple[Array, Array, Array]:
    """|g_1|^2, |g_2|^2 and g_1 . g_2 of (N, 2, 2) gradients, (N,) each."""
    first, second = gradients[:, 0], gradients[:, 1]
    return (first**2).sum(1), (second**2).sum(1), (first * second).sum(1)


def equal(gradients: Array) -> Array:
    """The sum."""
    return np.ones(gradients.shape[:2])


def mgda(gradients: Array) -> Array:
    """The convex combination of least norm (Sener and Koltun, NeurIPS 2018)."""
    a, b, dot = gram(gradients)
    first = np.clip((b - dot) / np.maximum(a + b - 2 * dot, 1e-300), 0, 1)
    return np.stack([first, 1 - first], axis=1)


def pcgrad(gradients: Array) -> Array:
    """Each gradient less its component against the other's (Yu et al., NeurIPS 2020)."""
    a, b, dot = gram(gradients)
    conflict = np.minimum(dot, 0)
    return np.stack([1 - conflict / np.maximum(a, 1e-300), 1 - conflict / np.maximum(b, 1e-300)], 1)


def cagrad(gradients: Array) -> Array:
    """The direction near the mean gradient that helps the worse-off task most (Liu et al., 2021).

    With g_0 the mean gradient and g_w = w g_1 + (1 - w) g_2, w minimises
    g_w . g_0 + c |g_0| |g_w| on [0, 1], and the direction is g_0 + c |g_0| g_w / |g_w|.
    """
    a, b, dot = gram(gradients)
    radius = _CAGRAD_RADIUS * np.sqrt(np.maximum(a + b + 2 * dot, 0)) / 2
    # g_w . g_0 = slope w + const; |g_w|^2 = bend (w - middle)^2 + rest.
    slope, bend = (a - b) / 2, np.maximum(a + b - 2 * dot, 1e-300)
    middle = (b - dot) / bend
    rest = np.maximum(b - bend * middle**2, 0)
    steepness = radius**2 * bend - slope**2
    inside = middle - slope * np.sqrt(rest / np.maximum(bend * steepness, 1e-300))
    first = np.clip(np.where(steepness > 0, inside, np.where(slope > 0, 0.0, 1.0)), 0, 1)
    length = np.sqrt(np.maximum(bend * (first - middle) ** 2 + rest, 1e-300))
    weights: Array = 0.5 + (radius / length)[:, None] * np.stack([first, 1 - first], axis=1)
    return weights


def nash(gradients: Array) -> Array:
    """The bargaining solution alpha_i = 1 / (|g_i| sqrt(1 + cosine)), K alpha = 1 / alpha for two.

    Where the gradients oppose each other, to the precision of the cosine, there is none and the
    point stays where it is.
    """
    a, b, dot = gram(gradients)
    lengths = np.sqrt(np.stack([a, b], axis=1))
    together = 1 + dot / np.maximum(lengths.prod(axis=1), 1e-300)
    solvable = (together > 1e-12) & (lengths > 0).all(axis=1)
    return np.where(
        solvable[:, None],
        1 / np.maximum(lengths * np.sqrt(np.maximum(together, 1e-12))[:, None], 1e-300),
        0.0,
    )


METHODS: dict[str, Callable[[Array], Array]] = {
    "nash": nash,
    "equal": equal,
    "mgda": mgda,
    "pcgrad": pcgrad,
    "cagrad": cagrad,
}
"""Gradients (N, 2, 2) to the weights of the two tasks, (N, 2)."""


def trajectories(steps: int, recorded: int) -> pd.DataFrame:
    """Follow every method from every start under every scale with Adam.

    Returns:
        A row per method, scale, start and recorded step: `x`, `y` and the unscaled `loss_1`,
        `loss_2`; step 0 is the start.
    """
    scale, start = (grid.ravel() for grid in np.meshgrid(SCALES, range(len(STARTS)), indexing="ij"))
    factors = np.stack([scale, np.ones_like(scale)], axis=1)
    count = len(scale)
    theta = np.tile(STARTS[start], (len(METHODS), 1))
    first, second = np.zeros_like(theta), np.zeros_like(theta)
    frames = [_frame(0, theta, scale, start)]
    for step in range(1, steps + 1):
        _, gradients = losses_and_gradients(theta)
        gradients = gradients * np.tile(factors, (len(METHODS), 1))[..., None]
        direction = np.concatenate(
            [
                np.einsum("nk,nkd->nd", method(own), own)
                for method, own in zip(
                    METHODS.values(), gradients.reshape(len(METHODS), count, 2, 2), strict=True
                )
            ]
        )
        first = 0.9 * first + 0.1 * direction
        second = 0.999 * second + 0.001 * direction**2
        unbiased = np.sqrt(second / (1 - 0.999**step)) + 1e-8
        theta = theta - RATE / (1 - 0.9**step) * first / unbiased
        if step % (steps // recorded) == 0:
            frames.append(_frame(step, theta, scale, start))
    return pd.concat(frames, ignore_index=True)


def _frame(step: int, theta: Array, scale: Array, start: Array) -> pd.DataFrame:
    losses, _ = losses_and_gradients(theta)
    count = len(scale)
    return pd.DataFrame(
        {
            "method": np.repeat(list(METHODS), count),
            "scale": np.tile(scale, len(METHODS)),
            "start": np.tile(start, len(METHODS)),
            "step": step,
            "x": theta[:, 0],
            "y": theta[:, 1],
            "loss_1": losses[:, 0],
            "loss_2": losses[:, 1],
        }
    )


def pareto_front(spacing: float = 0.02) -> Array:
    """(M, 2) losses that no point of a grid on [-10, 10]^2 improves upon, by rising first loss."""
    axis = np.arange(-10, 10 + spacing / 2, spacing)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    losses, _ = losses_and_gradients(grid)
    losses = losses[np.lexsort((losses[:, 1], losses[:, 0]))]
    best_before = np.minimum.accumulate(np.append(np.inf, losses[:-1, 1]))
    front: Array = losses[losses[:, 1] < best_before]
    return front


def gap(losses: Array, front: Array) -> Array:
    """(N,): by how much both losses of (N, 2) could still be lowered at once; 0 on the front."""
    improved: Array = (losses[:, None] - front[None]).min(axis=-1).max(axis=-1)
    return np.maximum(improved, 0)


def moved(last: pd.DataFrame, front: Array) -> float:
    """How far the scaling of a loss moves the ends of one method's trajectories: the largest change
    of a loss, as a share of its range on the front."""
    by_scale = [
        own.sort_values("start")[["loss_1", "loss_2"]].to_numpy()
        for _, own in last.groupby("scale")
    ]
    return float((np.abs(by_scale[0] - by_scale[1]) / np.ptp(front, axis=0)).max())


def numbers(table: pd.DataFrame, reached: float) -> dict[str, float]:
    """What claims and the paper take from the ends of the trajectories of each method: how many are
    on the front, the largest `gap`, and how far scaling moved them.

    An end is on the front if its gap is at most the share `reached` of the front's range.
    """
    front = pareto_front()
    last = table[table["step"] == table["step"].max()]
    found = {"trajectories": float(len(STARTS) * len(SCALES))}
    for method, own in last.groupby("method", sort=False):
        gaps = gap(own[["loss_1", "loss_2"]].to_numpy(), front)
        arrived = gaps <= reached * np.ptp(front, axis=0).min()
        found[f"{method}_reached"] = float(arrived.sum())
        found[f"{method}_missed"] = float((~arrived).sum())
        found[f"{method}_gap"] = float(gaps.max())
        found[f"{method}_moved"] = moved(own, front)
    return found


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """The trajectories, on the CPU."""
    options = plan.experiments["toy"].options
    table = trajectories(options["steps"], options["recorded"])
    return table, numbers(table, options["reached"])


if __name__ == "__main__":
    run_experiment("nash_mtl", "toy", measure)
