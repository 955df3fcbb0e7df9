"""The published procedure for the bargaining equation, as a labelled variant (Navon et al., 2022).

It serves to compare: `bargaining.bargain` solves the same equation exactly.
"""

from __future__ import annotations

import functools
import importlib
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from replications.core.weighting.base import Context
from replications.nash_mtl.weighting.bargaining import Bargain, residual
from replications.nash_mtl.weighting.nash import Nash
from replications.nash_mtl.weighting.options import NashPublishedOptions

Array = np.ndarray[Any, np.dtype[np.float64]]
_RESIDUAL, _CHANGE = 1e-3, 1e-6
"""Where the authors' code stops: norm of the normalised equation's error, and of a change."""


@dataclass(frozen=True)
class Attempt:
    """Where the procedure ended.

    Attributes:
        alpha: (K,), the last iterate.
        problems: convex problems solved.
        failure: what the conic solver said where it failed, and "" where it did not. The
            procedure then ends with the iterate it had, at worst the one it started from.
    """

    alpha: Tensor
    problems: int
    failure: str


def published_procedure(gram: Tensor, start: Tensor, optim_niter: int) -> Attempt:
    """Linearise and solve a convex problem, `optim_niter` times at most (section 3.2).

    With phi_i(alpha) = log alpha_i + log (K alpha)_i, each problem minimises
    sum_i (K alpha)_i + the linearisation of sum_i phi_i, subject to phi_i >= 0. As in the authors'
    code K is divided by its Frobenius norm, and ends are judged on the divided matrix.

    Arguments:
        gram: (K, K), on the CPU.
        start: (K,), positive; the alpha of the step before.
    """
    norm = float(torch.linalg.matrix_norm(gram.double()))
    if norm == 0:
        return Attempt(start, 0, "every gradient is zero")
    k = gram.double().numpy() / norm
    problem = _problem(len(gram))
    problem.gram.value, problem.log_norm.value = k, math.log(norm)
    alpha = start.double().numpy()
    for count in range(optim_niter):
        pull = k @ alpha
        if (pull == 0).any():
            return Attempt(torch.from_numpy(alpha), count, "K alpha has a zero")
        # Where a component of K alpha is negative its logarithm is not defined; as in the authors'
        # code the slope that it would have serves all the same.
        problem.slope.value = (1 / alpha + k @ (1 / pull)) / norm
        found, failure = problem.solve()
        if found is None:
            return Attempt(torch.from_numpy(alpha), count + 1, failure)
        before, alpha = alpha, found
        if np.linalg.norm(k @ alpha - 1 / alpha) < _RESIDUAL:
            break
        if np.linalg.norm(alpha - before) < _CHANGE:
            break
    return Attempt(torch.from_numpy(alpha), count + 1, "")


@dataclass(frozen=True)
class _Problem:
    """One convex problem with its parameters, built once for a number of tasks."""

    alpha: Any
    gram: Any
    slope: Any
    log_norm: Any
    whole: Any

    def solve(self) -> tuple[Array | None, str]:
        """A minimiser, or None and what the conic solver said."""
        cvxpy: Any = importlib.import_module("cvxpy")
        try:
            self.whole.solve(solver=cvxpy.ECOS, max_iters=100)
        except cvxpy.SolverError as error:
            return None, str(error)
        found = self.alpha.value
        if found is None or not (np.isfinite(found).all() and (found > 0).all()):
            return None, f"status {self.whole.status}"
        return found, ""


@functools.cache
def _problem(tasks: int) -> _Problem:
    cvxpy: Any = importlib.import_module("cvxpy")  # seconds to import, and for this variant alone
    alpha = cvxpy.Variable(tasks, nonneg=True)
    gram = cvxpy.Parameter((tasks, tasks))
    slope = cvxpy.Parameter(tasks)
    log_norm = cvxpy.Parameter()
    pull = gram @ alpha
    whole = cvxpy.Problem(
        cvxpy.Minimize(cvxpy.sum(pull) + slope @ alpha),
        [cvxpy.log(alpha) + cvxpy.log(pull) + log_norm >= 0],
    )
    return _Problem(alpha, gram, slope, log_norm, whole)


def build(options: NashPublishedOptions, context: Context) -> NashPublished:
    """The weighting its options describe."""
    own = (options.update_every, options.max_norm, options.optim_niter)
    return NashPublished(list(context.tasks), *own)


class NashPublished(Nash):
    """Nash-MTL with the published procedure, started from the alpha of the step before.

    Where the conic solver fails, the procedure's last iterate serves, as in the authors' code; here
    the history counts it (`solver_failures`) and the log names the first.
    """

    problems: Tensor
    solver_failures: Tensor

    def __init__(
        self, tasks: Sequence[str], update_every: int, max_norm: float | None, optim_niter: int
    ) -> None:
        super().__init__(tasks, update_every, max_norm)
        self.optim_niter = optim_niter
        self.register_buffer("problems", torch.tensor(0))
        self.register_buffer("solver_failures", torch.tensor(0))

    def solve(
        self, gram: Tensor, exact: Callable[[], Tensor], start: Tensor
    ) -> tuple[Bargain, Tensor]:
        """Where the procedure ends, whether it satisfies the equation or not."""
        found = published_procedure(gram, start, self.optim_niter)
        self.problems += found.problems
        if found.failure:
            if not self.solver_failures:
                print(f"the published procedure failed: {found.failure}", file=sys.stderr)
            self.solver_failures += 1
        return Bargain(found.alpha, residual(gram, found.alpha), torch.tensor(False)), gram

    def counts(self) -> dict[str, Tensor]:
        """The counts of every Nash weighting, problems solved and failures of the solver."""
        return super().counts() | {
            "problems": self.problems,
            "solver_failures": self.solver_failures,
        }
