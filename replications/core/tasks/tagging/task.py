"""A tag for every word: cross entropy; accuracy, over genres too, and for segmentation the F1 of
words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from replications.core.data.batches import Description
from replications.core.data.labels import VOID
from replications.core.tasks.base import Accumulator, Labels, Likelihood, Metric
from replications.core.tasks.tagging.options import TaggingOptions

_ENDS = ("E", "S")
"""The tags of characters that end a word."""


def build(name: str, options: TaggingOptions, dataset: Description) -> Tagging:
    """The task for a dataset."""
    return Tagging(name, dataset.facts["tags"][name], dataset.facts.get("genres", False))


class Tagging:
    """Head: one logit per tag and word, (B, C, L)."""

    likelihood: Likelihood = "classification"

    def __init__(self, name: str, tags: Sequence[str], genres: bool = False) -> None:
        """`genres`: whether sentences of other genres than those that train are told apart."""
        self.name, self.tags, self.genres = name, tags, genres
        self.labels = frozenset({name, "foreign"} if genres else {name})
        self.channels = len(tags)

    def loss(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Cross entropy, averaged over the words of the batch that have a tag."""
        wanted = self.wanted(labels, prediction.shape[2])
        total = F.cross_entropy(prediction, wanted, ignore_index=VOID, reduction="sum")
        return total / (wanted != VOID).sum().clamp(min=1)

    def wanted(self, labels: Labels, length: int) -> Tensor:
        """The tags, (B, L), int64, as far as the longest sentence goes."""
        return labels[self.name][:, :length].long()

    def accumulator(self, complete: bool) -> Tagged:
        """`accuracy`; of segmentation `word_f1`; with genres `accuracy_in` and `accuracy_out`."""
        return Tagged(self)

    def shown(self, prediction: Tensor, labels: Labels) -> Tensor:
        """Indices of tags, (B, L), 255 where there is no word."""
        found = labels[self.name].clone()
        best = prediction.argmax(dim=1).to(found.dtype)
        there = found[:, : best.shape[1]] != VOID
        found[:, : best.shape[1]] = torch.where(there, best, VOID)
        return found

    def shown_truth(self, labels: Labels) -> Tensor:
        """Indices of tags, (B, L), 255 where there is no word."""
        return labels[self.name]


class Tagged(Accumulator):
    """Counts over a split: of tags, and of words where tags say where words end."""

    state = ("right", "tags", "right_out", "tags_out", "common", "found", "there")

    def __init__(self, task: Tagging) -> None:
        self.task = task
        self.ends = [i for i, tag in enumerate(task.tags) if tag in _ENDS]
        self.right = self.tags = self.right_out = self.tags_out = 0
        self.common = self.found = self.there = 0

    def update(self, prediction: Tensor, labels: Labels) -> None:
        """Add (B, C, L) logits and (B, L) tags."""
        best, wanted = prediction.argmax(dim=1), self.task.wanted(labels, prediction.shape[2])
        here = wanted != VOID
        self.right += int(((best == wanted) & here).sum())
        self.tags += int(here.sum())
        if self.task.genres:
            out = here & labels["foreign"].bool()[:, None]
            self.right_out += int(((best == wanted) & out).sum())
            self.tags_out += int(out.sum())
        if self.task.name == "seg":
            last = here & ~F.pad(here[:, 1:], (0, 1), value=False)
            words = [self._ends(own, here, last) for own in (best, wanted)]
            self.common += common(*words)
            self.found, self.there = (
                count + int(own.sum())
                for count, own in zip((self.found, self.there), words, strict=True)
            )

    def _ends(self, tags: Tensor, here: Tensor, last: Tensor) -> Tensor:
        """Where words end, (B, L); the sentence ends the last."""
        return (torch.isin(tags, torch.tensor(self.ends, device=tags.device)) & here) | last

    def compute(self) -> dict[str, Metric]:
        """Shares in percent."""
        if not self.tags:
            return {}
        found = {"accuracy": Metric(100 * self.right / self.tags, "%", True)}
        parts = {
            "accuracy_in": (self.right - self.right_out, self.tags - self.tags_out),
            "accuracy_out": (self.right_out, self.tags_out),
        }
        for name, (right, tags) in parts.items() if self.task.genres else ():
            if tags:
                found[name] = Metric(100 * right / tags, "%", True)
        if self.task.name == "seg":
            f1 = 200 * self.common / (self.found + self.there)
            found["word_f1"] = Metric(f1, "%", True)
        return found


def common(found: Tensor, there: Tensor) -> int:
    """How many words two segmentations have in common, of where words end, bool, (B, L) each: the
    words whose beginnings and ends agree."""
    place = torch.arange(found.shape[1], device=found.device).expand_as(found)
    begins = []
    for ends in (found, there):
        last = torch.where(ends, place, -1).cummax(dim=1).values
        begins.append(F.pad(last[:, :-1], (1, 0), value=-1))
    return int((found & there & (begins[0] == begins[1])).sum())
