"""Molecules as networks want them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from replications.core.data.batches import Decoding


class Molecules(Decoding):
    """Inputs: float32, (B, N, 4), atomic number and position in angstrom of every atom or 0."""

    inputs = ("atoms",)
    shown = 400

    def input(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """The atoms."""
        return arrays["atoms"].float()
