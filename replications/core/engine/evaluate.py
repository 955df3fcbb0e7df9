"""Metrics of a model over a split, what the choice of its samples does to them, and examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from replications.core.data.batches import USUAL, Condition, Split
from replications.core.data.labels import Array
from replications.core.nets.learner import Learner
from replications.core.nets.shared_trunk import seeded
from replications.core.spec import written
from replications.core.tasks.base import Accumulator, Labels, Metric, Task, available

_BATCH = 20
_DRAWS = 100
"""How often a test split is drawn anew from its groups."""
TaskMetrics = dict[str, dict[str, Metric]]
Predictions = dict[str, Tensor]


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
    accumulators = {name: task.accumulator(complete) for name, task in tasks.items()}
    for predictions, labels in _predicted(learner, split, seed, limit, condition):
        _update(accumulators, tasks, predictions, labels, slice(None))
    return {name: accumulator.compute() for name, accumulator in accumulators.items()}


@torch.no_grad()
def evaluate_resampled(
    learner: Learner, tasks: Mapping[str, Task], split: Split, seed: int = 0
) -> tuple[TaskMetrics, list[dict[str, float]]]:
    """The complete metrics over `split`, and those of a hundred splits drawn from its groups.

    The groups, such as the frames of one street, are drawn with replacement, as many as there are;
    the draws are the same for every run and seed, so that differences between runs are paired
    (cluster bootstrap: Cameron, Gelbach and Miller, 2008). A row per draw, `<task>.<metric>` its
    keys; a metric that a draw has nothing for is left out.
    """
    groups = split.groups()
    parts = [{name: task.accumulator(True) for name, task in tasks.items()} for _ in groups]
    start = 0
    for predictions, labels in _predicted(learner, split, seed, None, USUAL):
        end = start + len(next(iter(predictions.values())))
        for part, (first, last) in zip(parts, groups, strict=True):
            own = slice(max(first - start, 0), min(last, end) - start)
            if own.start < own.stop:
                _update(part, tasks, predictions, labels, own)
        start = end
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(len(groups), (_DRAWS, len(groups)), generator=generator).tolist()
    whole: TaskMetrics = {}
    rows: list[dict[str, float]] = [{} for _ in drawn]
    for name, task in tasks.items():
        own_parts = [part[name] for part in parts]
        whole[name] = _merged(task, own_parts)
        for row, indices in zip(rows, drawn, strict=True):
            found = _merged(task, [own_parts[i] for i in indices])
            row |= {f"{name}.{metric}": value.value for metric, value in found.items()}
    return whole, rows


def as_json(metrics: TaskMetrics) -> dict[str, dict[str, dict[str, Any]]]:
    """{task: {metric: {value, unit, higher_is_better}}}."""
    return {
        task: {name: asdict(metric) for name, metric in found.items()}
        for task, found in metrics.items()
    }


def _predicted(
    learner: Learner, split: Split, seed: int, limit: int | None, condition: Condition
) -> Iterator[tuple[Predictions, Labels]]:
    """Predictions and labels of the split in order, batch by batch."""
    learner.eval()
    with seeded(seed, f"evaluation/{written(condition)}"):
        for batch in split.in_order(_BATCH, limit):
            if condition:
                batch = split.decoding.under(batch, condition)
            yield learner.predict(batch.inputs, condition), batch.labels


def _update(
    accumulators: Mapping[str, Accumulator],
    tasks: Mapping[str, Task],
    predictions: Predictions,
    labels: Labels,
    own: slice,
) -> None:
    """Add some samples of a batch."""
    chosen = {name: values[own] for name, values in labels.items()}
    for name, task in tasks.items():
        if available(task, chosen):
            accumulators[name].update(predictions[name][own], chosen)


def _merged(task: Task, parts: list[Accumulator]) -> dict[str, Metric]:
    whole = task.accumulator(True)
    whole.merge(parts)
    return whole.compute()


@torch.no_grad()
def examples(
    learner: Learner, tasks: Mapping[str, Task], split: Split, seed: int = 0
) -> dict[str, Array]:
    """Arrays to draw, of samples spread over `split`: the inputs as they are stored, such as
    `image` (N, 3, H, W) uint8, and `truth_<task>`, `predicted_<task>`; and what the learner has
    found out, `learned_<name>`."""
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
    arrays |= {f"learned_{name}": values for name, values in learner.learned().items()}
    return {name: _compact(values.cpu().numpy()) for name, values in arrays.items()}


def _compact(values: Array) -> Array:
    """Ids as uint8, measurements as float32."""
    return values.astype(np.uint8 if np.issubdtype(values.dtype, np.integer) else np.float32)
