"""People as networks want them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from replications.core.data.batches import Decoding


class People(Decoding):
    """Inputs: float32, (B, D), one unit per category of every column, of which one is 1, and the
    numbers, standardised."""

    inputs = ("categories", "numbers", "units")
    shown = 400

    def input(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """The categories as units, then the numbers."""
        chosen = arrays["categories"].long()
        # The first unit takes what training has not seen, and is dropped.
        units = torch.zeros(len(chosen), int(arrays["units"][0]) + 1, device=chosen.device)
        units.scatter_(1, chosen, 1.0)
        return torch.cat([units[:, 1:], arrays["numbers"]], dim=1)
