"""Pictures and texts as networks want them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from replications.core.data.batches import Batch, Decoding
from replications.core.data.pictures.augment import flipped
from replications.core.data.pictures.decoding import normalised


class Scenes(Decoding):
    """Inputs: `image`, float32, (B, 3, H, W), normalised; `text`, int64, (B, T, L), ids of
    characters, 0 behind the end."""

    inputs = ("image", "text")
    shown = 40

    def input(self, arrays: Mapping[str, Tensor]) -> Any:
        """Both parts."""
        return {"image": normalised(arrays["image"]), "text": arrays["text"].long()}

    def label(self, name: str, values: Tensor) -> Tensor:
        """Ids as int64."""
        return values.long()

    def augmented(self, batch: Batch, seed: int, step: int) -> Batch:
        """Half of the pictures mirrored."""
        if not self.options.flip:
            return batch
        generator = torch.Generator().manual_seed(seed * 2_000_003 + step)
        mirror = torch.rand(len(batch), generator=generator) < 0.5
        pictures = batch.inputs["image"]
        turned = flipped(Batch(pictures, batch.labels), mirror.to(pictures.device))
        return Batch(batch.inputs | {"image": turned.inputs}, turned.labels)
