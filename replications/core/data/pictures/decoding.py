"""Pictures and their labels as networks and losses want them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from replications.core.data.batches import Batch, Decoding
from replications.core.data.pictures.augment import augment

# Mean and spread of ImageNet's RGB, which pretrained encoders expect.
_MEAN = (0.485, 0.456, 0.406)
_SPREAD = (0.229, 0.224, 0.225)


class Pictures(Decoding):
    """Inputs: float32, (B, 3, H, W), normalised, channels last in memory."""

    inputs = ("image",)

    def input(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """The normalised images."""
        return normalised(arrays["image"])

    def label(self, name: str, values: Tensor) -> Tensor:
        """Class ids as int64, normals as unit float32 vectors."""
        if name == "normals":
            return values.float() / 127
        return values.long() if name in ("semseg", "instances") else values

    def augmented(self, batch: Batch, seed: int, step: int) -> Batch:
        """Mirrored and enlarged at random."""
        return augment(batch, self.options.flip, self.options.zoom, seed, step)


def normalised(images: Tensor) -> Tensor:
    """uint8 (B, 3, H, W) to float32 with ImageNet's mean and spread, channels last."""
    mean = torch.tensor(_MEAN, device=images.device).view(1, 3, 1, 1) * 255
    spread = torch.tensor(_SPREAD, device=images.device).view(1, 3, 1, 1) * 255
    return ((images.float() - mean) / spread).contiguous(memory_format=torch.channels_last)
