"""Metrics of a model over a split, and examples of what it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from replications.core.data.batches import USUAL, Condition, Split
from replications.core.data.labels import Array
from replications.core.nets.learner import Learner
from replications.core.nets.shared_trunk import seeded
from replications.core.spec import written
from replications.core.tasks.base import Metric, Task, available

_BATCH = 20
TaskMetrics = dict[str, dict[str, Metric]]


@torch.no_grad()
def evaluate(
    learner: Learner,
    tasks: Mapping[str, Task],
    split: Split,
    seed: int = 0,
    complete: bool = False,
    limit: int | None = None,
    condition: Condition = USUAL,
) -> TaskMetrics:
    """{task: {metric: Metric}} over `split` (its first `limit` samples), in float32, under a
    condition; leaves the learner in evaluation mode.

    `complete` adds the metrics too slow for curves. What is random, such as a noisy channel,
    depends on the seed and the condition alone.
    """
    learner.eval()
    accumulators = {name: task.accumulator(complete) for name, task in tasks.items()}
    with seeded(seed, f"evaluation/{written(condition)}"):
        for batch in split.in_order(_BATCH, limit):
            if condition:
                batch = split.decoding.under(batch, condition)
            predictions = learner.predict(batch.inputs, condition)
            for name, task in tasks.items():
                if available(task, batch.labels):
                    accumulators[name].update(predictions[name], batch.labels)
    return {name: accumulator.compute() for name, accumulator in accumulators.items()}


@torch.no_grad()
def examples(
    learner: Learner, tasks: Mapping[str, Task], split: Split, seed: int = 0
) -> dict[str, Array]:
    """Arrays to draw, of samples spread over `split`: the inputs as they are stored, such as
    `image` (N, 3, H, W) uint8, and `truth_<task>`, `predicted_<task>`."""
    learner.eval()
    shown = min(split.decoding.shown, len(split))
    index = torch.tensor([len(split) * (5 * k + 2) // (5 * shown) for k in range(shown)])
    batch = split.batch(index)
    with seeded(seed, "examples"):
        predictions = learner.predict(batch.inputs)
    arrays: dict[str, Any] = {
        name: values[index.to(split.device)] for name, values in split.inputs.items()
    }
    for name, task in tasks.items():
        arrays[f"truth_{name}"] = task.shown_truth(batch.labels)
        arrays[f"predicted_{name}"] = task.shown(predictions[name], batch.labels)
    return {name: _compact(values.cpu().numpy()) for name, values in arrays.items()}


def _compact(values: Array) -> Array:
    """Ids as uint8, measurements as float32."""
    return values.astype(np.uint8 if np.issubdtype(values.dtype, np.integer) else np.float32)
