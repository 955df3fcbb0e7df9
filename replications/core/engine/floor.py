"""The floor of every metric: what a prediction reaches that does not look at its input.

A constant prediction, of the shape of the single-task network's, is fitted to the labels of the
training split by the task's own loss: the prior of every place, the mean of a property. A network
that is no better has learned nothing.

It is no finer than the network can predict: where maps are interpolated, the constant is as well.
Boundaries show why: in maps of 64x128 pixels a constant that differs from pixel to pixel reaches an
F-measure of 39 %, as stripes do that are three pixels apart, since there often is a boundary within
a pixel and a half; a constant that is interpolated reaches 22 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from replications.core.data.batches import (
    USUAL,
    Batch,
    Condition,
    Description,
    Split,
    read_description,
)
from replications.core.engine.assembly import build_split, build_tasks, new_learner
from replications.core.engine.compiler import leave_compiler_out
from replications.core.engine.devices import training_device
from replications.core.engine.evaluate import TaskMetrics, as_json, evaluate
from replications.core.engine.provenance import record
from replications.core.errors import run_command
from replications.core.files import write_json
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.resize import bilinear
from replications.core.nets.shared_trunk import seeded
from replications.core.spec import Plan, load_plan, origin
from replications.core.spec.layout import FLOOR, FLOOR_FILES
from replications.core.tasks.base import Task, losses_of

_STEPS = 200
_BATCH = 24


class Blind(Learner):
    """Predicts the same for every input: of every task a parameter of the shape of a sample's
    prediction, or of the maps that it is interpolated from."""

    def __init__(self, like: Mapping[str, Tensor]) -> None:
        """`like`: predictions (1, ...) by task."""
        super().__init__()
        self.sizes = {task: one.shape[2:] for task, one in like.items()}
        with seeded(0, "floor"):
            # Not from 0, where a vector has no direction.
            start = {task: 0.1 * torch.randn(source_of(one)) for task, one in like.items()}
        self.constants = nn.ParameterDict(start)

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of the constants."""
        predictions = {task: [one] for task, one in self.predict(batch.inputs).items()}
        return Losses(losses_of(tasks, predictions, batch.labels))

    def predict(self, inputs: Any, condition: Condition = USUAL) -> dict[str, Tensor]:
        """The constants, once for every sample."""
        samples = len(Batch(inputs, {}))
        found = {}
        for name, one in self.constants.items():
            size = self.sizes[name]
            whole = one if one.shape[2:] == size else bilinear(one, (size[0], size[1]))
            found[name] = whole.expand(samples, *whole.shape[1:])
        return found


def source_of(prediction: Tensor) -> torch.Size:
    """The shape of the smallest maps from which a prediction is interpolated bilinearly, at 1/16 to
    1/2 of its size; its own, where it is no maps (1, C, H, W) or was not."""
    if prediction.dim() != 4:
        return prediction.shape
    height, width = prediction.shape[2:]
    for factor in (16, 8, 4, 2):
        if height % factor or width % factor or min(height, width) == factor:
            continue
        rows, columns = (_interpolation(side // factor, side) for side in (height, width))
        maps = prediction.detach().double().cpu()
        source: Tensor = torch.linalg.pinv(rows) @ maps @ torch.linalg.pinv(columns).T
        if (rows @ source @ columns.T - maps).abs().max() <= 1e-4 * maps.std():
            return source.shape
    return prediction.shape


def _interpolation(source: int, target: int) -> Tensor:
    """(target, source), float64: what `bilinear` multiplies columns with."""
    return bilinear(torch.eye(source, dtype=torch.float64)[None, None], (target, source))[0, 0]


def floors(plan: Plan, dataset: Description, device: torch.device) -> TaskMetrics:
    """The metrics of constants on the test split, for every task that the plan's runs measure."""
    found: TaskMetrics = {}
    for run, spec in plan.runs.items():
        new = [task for task in spec.tasks if task not in found]
        for single in (plan.single_of(task, run) for task in new):
            found |= _floor(plan, single, dataset, device)
    return found


def _floor(plan: Plan, single: str, dataset: Description, device: torch.device) -> TaskMetrics:
    data, tasks = plan.data, build_tasks(plan, single, dataset)
    train, test = (
        build_split(data, Path(data.folder), split, tasks, device) for split in ("train", "test")
    )
    learner = new_learner(plan, single, dataset, 0, device).eval()
    with torch.no_grad():
        blind = Blind(learner.predict(train.batch(torch.tensor([0])).inputs)).to(device)
    fit(blind, tasks, train)
    return evaluate(blind, tasks, test, complete=True)


def fit(blind: Blind, tasks: Mapping[str, Task], train: Split) -> None:
    """Minimise the losses of the constants over a split that is not augmented.

    Adam from a rate of 1 down to 0, which crosses logits, metres and pixels alike.
    """
    optimizer = torch.optim.Adam(blind.parameters(), lr=1.0)
    for step, indices in enumerate(_batches(len(train))):
        optimizer.param_groups[0]["lr"] = 1 - step / _STEPS
        losses = blind.losses(train.batch(indices), tasks, Moment(step, _STEPS, "floor"))
        optimizer.zero_grad()
        torch.stack(list(losses.by_task.values())).sum().backward()
        optimizer.step()


def _batches(samples: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(0)
    for _ in range(_STEPS):
        yield torch.randint(samples, (_BATCH,), generator=generator)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replication", required=True, help="folder under replications/")
    parser.add_argument("--study", required=True, help="a study of its replication.yaml")
    parser.add_argument("--folder", type=Path, required=True, help="results of the replication")
    arguments = parser.parse_args()
    leave_compiler_out()
    plan = load_plan(arguments.replication, arguments.study)
    dataset = read_description(Path(plan.data.folder))
    folder = arguments.folder / FLOOR
    with training_device("cpu", threads=1) as device:
        write_json(folder / "metrics.json", as_json(floors(plan, dataset, device)))
        made_from = origin.of_floor(plan) | {"data": dataset.hash}
        own = record(plan, FLOOR, made_from, device)
    origin.seal(folder, FLOOR_FILES[:-1], own)


if __name__ == "__main__":
    run_command(main)
