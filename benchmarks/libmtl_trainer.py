"""Images per second of training: our loop against LibMTL's own trainer, in turn.

Usage: python -m benchmarks.libmtl_trainer [--study quick] [--pairs 5]

Equal weights with hard parameter sharing, the same network, losses, batch size and optimiser, on
one thread of a CPU. LibMTL 1.1.5's trainer wants CUDA and loaders of an older torch; it is given a
device and such a loader, over arrays that are in memory already, and is otherwise as it is: it
computes training metrics at every step, here those of the task itself.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.opened import opened
from replications.core.data.batches import Split
from replications.core.engine.compiler import leave_compiler_out
from replications.core.engine.loop import Job, update
from replications.core.nets.shared_trunk import SharedTrunk
from replications.core.spec import Plan, load_plan
from replications.core.tasks.base import Task
from replications.core.weighting.libmtl.weighting import libmtl_class

_STEPS = 20


class Samples(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """The samples of a split, one by one."""

    def __init__(self, split: Split, count: int) -> None:
        self.split, self.count = split, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        batch = self.split.decoding.augmented(self.split.batch(torch.tensor([index])), 0, index)
        return batch.inputs[0], {name: values[0] for name, values in batch.labels.items()}


class Loader:
    """A loader whose iterator has the method `next`, as LibMTL calls it."""

    def __init__(self, loader: DataLoader[Any], tasks: list[str]) -> None:
        self.loader, self.tasks = loader, tasks

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Any:
        return _Batches(iter(self.loader), self.tasks)


class _Batches:
    def __init__(self, batches: Iterator[Any], tasks: list[str]) -> None:
        self.batches, self.tasks = batches, tasks

    def __iter__(self) -> _Batches:
        return self

    def __next__(self) -> tuple[Tensor, dict[str, Any]]:
        return self.next()

    def next(self) -> tuple[Tensor, dict[str, Any]]:
        images, labels = next(self.batches)
        return images, dict.fromkeys(self.tasks, Labels(labels))


class Labels(dict[str, Tensor]):
    """The labels of a batch, which LibMTL moves to the device as if they were one tensor."""

    def to(self, *arguments: Any, **options: Any) -> Labels:
        """They are there."""
        return self


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="quick")
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each, in turn")
    own = parser.parse_args()
    leave_compiler_out()
    print("| network | ours, images/s | LibMTL's trainer | ratio, median of pairs | least | most |")
    print("|---|---|---|---|---|---|")
    for name in ("uncertainty", "nash_mtl", "mti_net"):
        print(row(load_plan(name, own.study), own.pairs), flush=True)


def row(plan: Plan, pairs: int) -> str:
    """The run of equal weights of a replication."""
    run = "joint" if "joint" in plan.runs else "equal"
    with opened(plan, run, "cpu") as (job, training):
        with contextlib.redirect_stdout(io.StringIO()):
            trainer, loader = libmtl_trainer(job, training.learner)
        ours, theirs = [], []
        for pair in range(pairs + 1):
            began = time.perf_counter()
            for _ in range(_STEPS):
                update(job, training)
                training.done += 1
            middle = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):
                trainer.train(loader, [], epochs=1)
            if pair:  # the first warms up
                images = _STEPS * job.settings.batch_size
                ours.append(images / (middle - began))
                theirs.append(images / (time.perf_counter() - middle))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    cells = [f"{statistics.median(ours):.0f}", f"{statistics.median(theirs):.0f}"]
    cells += [f"{value:.2f}" for value in (statistics.median(ratios), min(ratios), max(ratios))]
    return f"| {plan.name} | {' | '.join(cells)} |"


def libmtl_trainer(job: Job, learner: nn.Module) -> tuple[Any, Loader]:
    """LibMTL's trainer of a network like a learner's, and what it trains on."""
    weighting = libmtl_class("EW")
    from LibMTL.architecture import HPS
    from LibMTL.loss import AbsLoss
    from LibMTL.metrics import AbsMetric
    from LibMTL.trainer import Trainer

    assert isinstance(learner, SharedTrunk)
    size = job.train.inputs["image"].shape[-2:]
    batches = DataLoader(
        Samples(job.train, _STEPS * job.settings.batch_size), job.settings.batch_size, shuffle=True
    )

    class Loss(AbsLoss):  # type: ignore[misc]
        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task

        def compute_loss(self, prediction: Tensor, labels: Labels) -> Tensor:
            return self.task.loss(prediction, labels)

    class Metric(AbsMetric):  # type: ignore[misc]
        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task
            self.reinit()

        def update_fun(self, prediction: Tensor, labels: Labels) -> None:
            self.accumulator.update(prediction, labels)

        def score_fun(self) -> list[float]:
            return [metric.value for metric in self.accumulator.compute().values()]

        def reinit(self) -> None:
            self.accumulator = self.task.accumulator(False)

    class OnCPU(Trainer):  # type: ignore[misc]
        def _prepare_model(self, *parts: Any) -> None:
            self.device = job.device
            super()._prepare_model(*parts)

        def test(self, *arguments: Any, **options: Any) -> None:
            """Training is measured."""

    class Head(nn.Module):
        def __init__(self, head: nn.Module) -> None:
            super().__init__()
            self.head = head

        def forward(self, features: Any) -> Tensor:
            prediction: Tensor = self.head(features, size)
            return prediction

    tasks = {
        name: {
            "metrics": list(task.accumulator(False).compute()),
            "metrics_fn": Metric(task),
            "loss_fn": Loss(task),
            "weight": [1],
        }
        for name, task in job.tasks.items()
    }
    options = job.settings.optimizer
    optimizer = {"optim": options.name, "lr": options.lr, "weight_decay": options.weight_decay}
    trainer = OnCPU(
        task_dict=tasks,
        weighting=weighting,
        architecture=HPS,
        encoder_class=lambda: learner.trunk,
        decoders=nn.ModuleDict({name: Head(head) for name, head in learner.heads.items()}),
        rep_grad=False,
        multi_input=False,
        optim_param=optimizer,
        scheduler_param=None,
        weight_args={},
        arch_args={},
    )
    return trainer, Loader(batches, list(job.tasks))


if __name__ == "__main__":
    main()
