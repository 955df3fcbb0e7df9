"""Sentences as networks want them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from replications.core.data.batches import Decoding


class Sentences(Decoding):
    """Inputs: int16, (B, L, 1 + C), the id of each word and those of its letters; 0 behind the end
    of a sentence, and of a word."""

    inputs = ("words",)
    shown = 4

    def input(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """The ids, cut behind the longest sentence of the batch."""
        words = arrays["words"]
        longest = int((words[..., 0] > 0).sum(dim=1).max())
        return words[:, :longest]
