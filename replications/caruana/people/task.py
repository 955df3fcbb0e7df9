"""A question with the answers yes and no: cross entropy; area under the ROC curve."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.caruana.people.options import QuestionOptions
from replications.core.data.batches import Description
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric


def build(name: str, options: QuestionOptions, dataset: Description) -> Question:
    """The task for a dataset."""
    return Question(name)


class Question:
    """Head: the logit of yes, (B, 1)."""

    channels = 1
    likelihood: Likelihood = "classification"

    def __init__(self, name: str) -> None:
        self.name = name
        self.labels = frozenset({name, "adult"})

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Binary cross entropy, averaged over the batch."""
        return F.binary_cross_entropy_with_logits(prediction[:, 0], labels[self.name].float())

    def accumulator(self, complete: bool) -> Answers:
        """`auc`, over all people and over adults, and `log_loss`."""
        return Answers(self.name)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """The probability of yes, (B,)."""
        return prediction[:, 0].sigmoid()

    def shown_truth(self, labels: Labels) -> Tensor:
        """1 for yes, (B,)."""
        return labels[self.name].float()


class Answers(Accumulator):
    """The logits and answers of a split."""

    state = ("logits", "answers", "adults")

    def __init__(self, name: str) -> None:
        self.name = name
        self.logits: list[Tensor] = []
        self.answers: list[Tensor] = []
        self.adults: list[Tensor] = []

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, 1) logits, (B,) answers and who is an adult."""
        self.logits.append(prediction[:, 0].float().cpu())
        self.answers.append(labels[self.name].bool().cpu())
        self.adults.append(labels["adult"].bool().cpu())

    def compute(self) -> dict[str, Metric]:
        """Areas in percent, left out where all answers are alike, and the mean loss."""
        if not self.logits:
            return {}
        logits, answers = torch.cat(self.logits), torch.cat(self.answers)
        adults = torch.cat(self.adults)
        found = {
            "auc": area_under_curve(logits, answers),
            "auc_adults": area_under_curve(logits[adults], answers[adults]),
        }
        metrics = {n: Metric(100 * v, "%", True) for n, v in found.items() if v is not None}
        loss = F.binary_cross_entropy_with_logits(logits.double(), answers.double())
        return metrics | {"log_loss": Metric(loss.item(), "", False)}


def area_under_curve(scores: Tensor, positive: Tensor) -> float | None:
    """The share of pairs of a positive and a negative sample, both (N,), that the scores put in the
    right order, ties by half: the area under the ROC curve. None where there is no such pair."""
    values, place = torch.unique(scores, return_inverse=True)
    positives = torch.bincount(place[positive], minlength=len(values)).double()
    negatives = torch.bincount(place[~positive], minlength=len(values)).double()
    pairs = positives.sum() * negatives.sum()
    if not pairs:
        return None
    below = negatives.cumsum(0) - negatives / 2
    return ((positives * below).sum() / pairs).item()
