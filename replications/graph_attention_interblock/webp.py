"""Source and channel coded apart: pictures by WebP, in as many bytes as a code carries."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from replications.core.data.labels import Array
from replications.core.data.pictures.decoding import normalised
from replications.core.nets.channel import capacity

_SCALES = (1, 2, 4)
"""By how much a picture may be made smaller."""


def by_an_ideal_code(images: Tensor, snr_db: Tensor, symbols: int) -> Tensor:
    """Normalised images (B, 3, H, W) as they are after WebP in the bytes that an ideal code, which
    reaches the capacity, carries in so many symbols at the ratio of each, (B,)."""
    low, high = (normalised(images.new_full((1, 3, 1, 1), level)) for level in (0, 255))
    whole = (255 * (images - low) / (high - low)).round().clamp(0, 255).byte().cpu().numpy()
    found = [
        squeezed(picture, int(symbols * capacity(ratio) / 8))[0]
        for picture, ratio in zip(whole, snr_db.tolist(), strict=True)
    ]
    return normalised(torch.from_numpy(np.stack(found)).to(images.device))


def squeezed(picture: Array, most: int) -> tuple[Array, int]:
    """A picture, uint8 (3, H, W), as it is after WebP in at most so many bytes, and how many it
    took: of the quality and size that leave the least squared error, or its mean colour if nothing
    fits."""
    whole = Image.fromarray(picture.transpose(1, 2, 0))
    mean = picture.mean(axis=(1, 2), keepdims=True).round().astype(np.uint8)
    fitting = [(np.broadcast_to(mean, picture.shape), mean.size)]
    for scale in _SCALES:
        small = whole.resize((whole.width // scale, whole.height // scale), Image.Resampling.BOX)
        low, high, best = 0, 100, b""
        while low <= high:
            quality = (low + high) // 2
            file = io.BytesIO()
            small.save(file, "WEBP", quality=quality)
            if file.tell() <= most:
                low, best = quality + 1, file.getvalue()
            else:
                high = quality - 1
        if best:
            with Image.open(io.BytesIO(best)) as decoded:
                found = decoded.convert("RGB").resize(whole.size, Image.Resampling.BILINEAR)
            fitting.append((np.asarray(found).transpose(2, 0, 1), len(best)))
    return min(fitting, key=lambda own: np.square(own[0].astype(float) - picture).sum())
