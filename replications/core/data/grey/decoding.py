"""Grey pictures as networks want them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from replications.core.data.batches import Decoding


class GreyPictures(Decoding):
    """Inputs: float32, (B, 1, H, W), from 0 to 1."""

    inputs = ("image",)
    shown = 6

    def input(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """The pictures."""
        return arrays["image"].float() / 255

    def label(self, name: str, values: Tensor) -> Tensor:
        """Pictures from 0 to 1, categories as int64."""
        return values.float() / 255 if name == "picture" else values.long()
