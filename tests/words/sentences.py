"""Sentences: drawn, prepared, decoded."""

import numpy as np
import torch

from replications.core.data.batches import Batch, Decoding
from replications.core.data.prepare import Prepared

SPLITS = {"train": 96, "val": 32, "test": 64}
TOKENS = 20


def prepare(options):
    """Sentences whose tokens come from the five of their topic three times in four."""
    random = np.random.RandomState(0)

    def arrays():
        for split, count in SPLITS.items():
            topic = random.randint(4, size=count)
            own = 5 * topic[:, None] + random.randint(5, size=(count, options.length))
            other = random.randint(TOKENS, size=own.shape)
            tokens = np.where(random.rand(*own.shape) < 0.75, own, other)
            rare = (tokens % 5 == 4).sum(axis=1).astype(np.float32)
            yield split, {"tokens": tokens, "topic": topic, "rare": rare}

    return Prepared(arrays(), {"drawn": "0" * 32}, {"topics": 4, "tokens": TOKENS})


class Sentences(Decoding):
    """Inputs: tokens, int64, (B, T), of which a condition erases a share."""

    inputs = ("tokens",)

    def input(self, arrays):
        return {"tokens": arrays["tokens"], "mask": torch.ones_like(arrays["tokens"]).float()}

    def under(self, batch, condition):
        length = batch.inputs["tokens"].shape[1]
        kept = torch.arange(length) >= condition["erased"] * length
        return Batch(batch.inputs | {"mask": kept.float().expand(len(batch), -1)}, batch.labels)
