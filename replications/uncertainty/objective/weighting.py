"""Weighting by learned homoscedastic uncertainty (Kendall, Gal and Cipolla, CVPR 2018)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from replications.core.nets.learner import Features
from replications.core.weighting.base import Context, Losses, Shared, Weighting
from replications.uncertainty.objective.options import UncertaintyOptions


def build(options: UncertaintyOptions, context: Context) -> Uncertainty:
    """The weighting its options describe."""
    likelihoods = {name: task.likelihood for name, task in context.tasks.items()}
    return Uncertainty(likelihoods, options.initial_log_variance).to(context.device)


class Uncertainty(Weighting):
    """One learned scalar per task, s = log sigma^2.

    Regression losses enter as exp(-s) L / 2 + s / 2 (equation 7), classification losses as
    exp(-s) L + s / 2 (equation 10): the temperature of a softmax is sigma^2 without the half.
    """

    def __init__(self, likelihoods: Mapping[str, str], initial_log_variance: float) -> None:
        """`likelihoods`: `regression` or `classification` for each task."""
        super().__init__()
        self.factors = {t: 0.5 if kind == "regression" else 1.0 for t, kind in likelihoods.items()}
        self.log_variances = nn.ParameterDict(
            {task: nn.Parameter(torch.tensor(float(initial_log_variance))) for task in likelihoods}
        )

    def objective(self, losses: Losses) -> Tensor:
        """The sum over tasks of the weighted loss and its regulariser."""
        terms = []
        for task, loss in losses.items():
            s = self.log_variances[task]
            terms.append(self.factors[task] * torch.exp(-s) * loss + s / 2)
        return torch.stack(terms).sum()

    def backward(self, losses: Losses, features: Features, model: Shared) -> dict[str, Tensor]:
        """Gradients of the objective, on the model and on the log variances."""
        record = {}
        for task in losses:
            s = self.log_variances[task].detach()
            record[f"weight_{task}"] = self.factors[task] * torch.exp(-s)
            record[f"log_variance_{task}"] = s.clone()
        self.objective(losses).backward()
        return record
