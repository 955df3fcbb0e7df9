"""Nash-MTL: the update is the Nash bargaining solution of the tasks (Navon et al., ICML 2022)."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from replications.core.nets.learner import Features
from replications.core.weighting.base import Context, GradientError, Losses, Shared, Weighting
from replications.core.weighting.gram import gram_matrix, rounded_gram_matrix
from replications.core.weighting.task_gradients import TaskGradients
from replications.nash_mtl.weighting.bargaining import Bargain, bargain, sensitivity
from replications.nash_mtl.weighting.options import NashFeaturesOptions, NashOptions

_SATISFIED = 1e-2
"""Residual up to which a solve counts as one that satisfies the bargaining equation."""
_SENSITIVE = 100.0
"""Sensitivity from which the Gram matrix is summed in float64 throughout."""


def build(options: NashOptions, context: Context) -> Nash:
    """The weighting its options describe."""
    return Nash(list(context.tasks), options.update_every, options.max_norm)


def build_at_features(options: NashFeaturesOptions, context: Context) -> NashFeatures:
    """The weighting its options describe."""
    return NashFeatures(list(context.tasks), options.update_every, options.max_norm)


class Nash(Weighting):
    """Shared parameters move along sum_k alpha_k g_k with K alpha = 1 / alpha, solved exactly.

    As in the authors' code the losses are weighted, so a head's gradient is scaled by its task's
    alpha as well, and the shared gradient alone is clipped to `max_norm` (its norm is the square
    root of the number of tasks whenever alpha is fresh).

    Rule for a Pareto-stationary point, where no alpha exists: the shared parameters take no step at
    all and the heads are trained with weight 1. The history counts it and shows weights of 0.
    """

    alpha: Tensor
    """(K,), of the last solve; NaN where there was no solution or the task was absent."""
    correlation: Tensor
    """(K, K), cosines between the tasks' gradients at the last solve."""
    residual: Tensor
    worst_residual: Tensor
    steps: Tensor
    solves: Tensor
    satisfied_solves: Tensor
    stationary_steps: Tensor
    seconds: Tensor

    def __init__(self, tasks: Sequence[str], update_every: int, max_norm: float | None) -> None:
        """`update_every`: steps between two solves; the last alpha serves the steps between."""
        super().__init__()
        self.tasks = tuple(tasks)
        self.update_every, self.max_norm = update_every, max_norm
        self.workspace: Tensor | None = None
        self.update: Tensor | None = None
        # On the CPU whatever trains: the solver's matrices are tiny.
        unknown = torch.full((len(tasks),), math.nan, dtype=torch.float64)
        self.register_buffer("alpha", unknown)
        self.register_buffer("correlation", unknown.outer(unknown))
        self.register_buffer("residual", torch.tensor(math.nan, dtype=torch.float64))
        self.register_buffer("worst_residual", torch.tensor(0.0, dtype=torch.float64))
        self.register_buffer("seconds", torch.tensor(0.0, dtype=torch.float64))
        for count in ("steps", "solves", "satisfied_solves", "stationary_steps"):
            self.register_buffer(count, torch.tensor(0))

    def backward(self, losses: Losses, features: Features, model: Shared) -> dict[str, Tensor]:
        """Gradients of the bargained update; weights, residuals, counts and cosines."""
        present = [self.tasks.index(task) for task in losses]
        due = int(self.steps) % self.update_every == 0
        missing = [i for i in range(len(self.tasks)) if i not in present]
        known = not self.alpha[present].isnan().any() and self.alpha[missing].isnan().all()
        if due or not known:
            self._bargained(losses, features, model, present)
        else:
            self._weighted(losses, model, self.alpha[present])
        self.steps += 1
        return self._record(losses, present)

    def solve(
        self, gram: Tensor, exact: Callable[[], Tensor], start: Tensor
    ) -> tuple[Bargain, Tensor]:
        """The solution and the Gram matrix it is for.

        Arguments:
            gram: (K, K), rounded.
            exact: gives the matrix summed in float64, which is taken where the solution would
                magnify the rounding, and to tell a stationary point from one that is nearly so.
            start: (K,), the alpha before, of no use to the exact solver.
        """
        found = bargain(gram)
        if not sensitivity(gram, found.alpha) <= _SENSITIVE:
            gram = exact()
            found = bargain(gram)
        return found, gram

    def counts(self) -> dict[str, Tensor]:
        """Solves so far, those that satisfied the equation, those without a solution."""
        names = ("solves", "satisfied_solves", "stationary_steps")
        return {name: getattr(self, name) for name in names}

    def leave_update(self, gradients: TaskGradients, present: list[int]) -> None:
        """Solve for the tasks `present` and leave the update on all parameters."""
        self.workspace = gradients.at_parameters(self.workspace)
        alpha, length = self.bargained(self.workspace, gradients.tasks, present)
        gradients.combine_behind(alpha)
        if length > 0:
            weights = (alpha * self._clip(length)).to(self.workspace)
            # Into memory that is kept: fresh pages for a whole trunk cost as much as the product.
            self.update = torch.mv(self.workspace.T, weights, out=self.update)
            gradients.assign(self.update)

    def bargained(
        self, rows: Tensor, tasks: Sequence[str], present: list[int]
    ) -> tuple[Tensor, float]:
        """Weights of the tasks and the length of sum_k alpha_k g_k: 1 and 0 where stationary.

        `rows`: (K, n), the gradients to bargain with.
        """
        gram = rounded_gram_matrix(rows).cpu()
        for task, square in zip(tasks, gram.diagonal(), strict=True):
            if not square.isfinite():
                raise GradientError(task)
        began = time.perf_counter()
        start = self.alpha[present].nan_to_num(1.0)
        found, gram = self.solve(gram, lambda: gram_matrix(rows).cpu(), start)
        self.seconds += time.perf_counter() - began
        self._keep(found, gram, present)
        if found.stationary:
            return torch.ones_like(found.alpha), 0.0
        return found.alpha, math.sqrt(max(float(found.alpha @ gram @ found.alpha), 0.0))

    def cost(self) -> dict[str, float]:
        """Seconds spent in the solver over the whole training."""
        return {"solver_s": float(self.seconds)}

    def _bargained(
        self, losses: Losses, features: Features, model: Shared, present: list[int]
    ) -> None:
        gradients = TaskGradients(losses, features, model)
        for parameter in gradients.shared:
            parameter.grad = None
        self.leave_update(gradients, present)

    def _weighted(self, losses: Losses, model: Shared, alpha: Tensor) -> None:
        """A step between two solves: the weighted sum of the losses."""
        values = torch.stack(list(losses.values()))
        (alpha.to(values) @ values).backward()
        if self.max_norm is not None:
            nn.utils.clip_grad_norm_(model.shared_parameters(), self.max_norm)

    def _clip(self, length: float) -> float:
        return 1.0 if self.max_norm is None else min(1.0, self.max_norm / length)

    def _keep(self, found: Bargain, gram: Tensor, present: list[int]) -> None:
        """Take the solve into the state, which the checkpoint holds."""
        lengths = gram.diagonal().sqrt()
        self.alpha.fill_(math.nan)[present] = found.alpha
        self.correlation[torch.tensor(present)[:, None], present] = gram / lengths.outer(lengths)
        self.residual.copy_(found.residual)
        self.solves += 1
        self.stationary_steps += found.stationary
        self.satisfied_solves += found.residual <= _SATISFIED
        self.worst_residual.copy_(self.worst_residual.fmax(found.residual))

    def _record(self, losses: Losses, present: list[int]) -> dict[str, Tensor]:
        weights = self.alpha.nan_to_num(0.0)
        record = {f"weight_{task}": weights[i] for task, i in zip(losses, present, strict=True)}
        for i, j in itertools.combinations(present, 2):
            record[f"cosine_{self.tasks[i]}_{self.tasks[j]}"] = self.correlation[i, j]
        record |= {"residual": self.residual, "worst_residual": self.worst_residual}
        record |= self.counts()
        return {name: value.clone() for name, value in record.items()}


class NashFeatures(Nash):
    """Nash-MTL bargained at the shared representation: one backward pass through the trunk in all.

    The Gram matrix is that of the gradients of the representation, which a change of the trunk's
    parameters sees through the trunk's Jacobian; so alpha is an approximation, the update along
    sum_k alpha_k g_k is not.
    """

    def leave_update(self, gradients: TaskGradients, present: list[int]) -> None:
        """Solve for the tasks `present` and leave the update on all parameters."""
        alpha, length = self.bargained(gradients.at_features(), gradients.tasks, present)
        gradients.combine_behind(alpha)
        if length > 0:
            gradients.combine_at_features(alpha)
            if self.max_norm is not None:
                nn.utils.clip_grad_norm_(gradients.shared, self.max_norm)
