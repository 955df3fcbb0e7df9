"""What each way of sharing costs as tasks are added: parameters, operations, memory, time.

Usage: python -m benchmarks.sharing [--tasks 2 3 5 10] [--study cpu]

The networks are those of the study's reference runs, with copies of one dense task of a single
channel: AdaShare with all its blocks, sparse sharing with drawn masks that leave half of the
weights to a task, hierarchical sharing with the tasks spread over the stages. Memory is what a step
of training holds at least: weights, gradients, Adam's two moments, and all that is kept for the
backward pass. Time is that of a step, of the CPU, one thread, the fastest of some.
"""

from __future__ import annotations

import argparse
import importlib
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from replications.core.data.batches import Batch
from replications.core.engine.compiler import leave_compiler_out
from replications.core.engine.cost import counted
from replications.core.nets.learner import Learner, Moment
from replications.core.nets.registry.staged import STAGES
from replications.core.spec import Plan, load_study
from replications.core.spec.plan import model_options

_BATCH, _SIZE, _STEPS = 8, (64, 128), 5
_ADAM = 4
"""Numbers kept of each parameter: itself, its gradient, and two moments."""


class Values:
    """A task of one number per pixel."""

    name = "values"
    labels = frozenset({"values"})
    channels = 1
    likelihood = "regression"

    def loss(self, prediction: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        """Mean squared error."""
        return (prediction[:, 0] - labels["values"]).square().mean()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 3, 5, 10])
    parser.add_argument("--study", default="cpu")
    own = parser.parse_args()
    leave_compiler_out()
    torch.set_num_threads(1)
    columns = ["way of sharing", "parameters, thousands", "operations, millions", "memory, MB"]
    print(f"| {' | '.join([*columns, 'step, ms'])} |", "|---" * 5 + "|", sep="\n")
    config = {"study": own.study, "families": ["sharing"], "replications": "all"}
    study = load_study(config)
    for name in study.families["sharing"]:
        found = [costs(study.plans[name], tasks) for tasks in own.tasks]
        cells = [", ".join(values) for values in zip(*found, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def costs(plan: Plan, count: int) -> list[str]:
    """The columns for so many tasks."""
    names = [f"task{index}" for index in range(count)]
    learner = build(plan, names)
    learner.eval()
    parameters, operations = counted(learner, torch.zeros(1, 3, *_SIZE))
    learner.train()
    memory, seconds = stepped(learner, names)
    return [
        f"{parameters / 1e3:,.0f}",
        f"{operations / 1e6:,.0f}",
        f"{memory / 2**20:,.0f}",
        f"{1000 * seconds:,.0f}",
    ]


def build(plan: Plan, tasks: Sequence[str]) -> Learner:
    """The network of the reference run, for these tasks."""
    content: dict[str, Any] = plan.model_of(plan.replication.reference).model_dump() | {"heads": {}}
    if plan.name == "hierarchical":
        ends = enumerate(tasks, start=1)
        content["depths"] = {task: math.ceil(STAGES * end / len(tasks)) for end, task in ends}
    if plan.name == "sparse_sharing":
        content |= {"masks": "random"}
    options = model_options(plan.name, content)
    build_model = importlib.import_module(f"replications.{plan.name}.model").build_model
    learner: Learner = build_model(dict.fromkeys(tasks, 1), options, 0)
    return learner.to(memory_format=torch.channels_last)


def stepped(learner: Learner, tasks: Sequence[str]) -> tuple[int, float]:
    """Bytes that a step of training holds, and the seconds it takes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(_BATCH, 3, *_SIZE, generator=generator)
    batch = Batch(images, {"values": torch.rand(_BATCH, *_SIZE, generator=generator)})
    known = dict.fromkeys(tasks, Values())
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3, fused=True)
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        moment = Moment(0, _STEPS, "train")
        losses = learner.losses(batch, known, moment)  # type: ignore[arg-type]
        terms = [*losses.by_task.values(), *learner.penalties(moment).values()]
        torch.stack(terms).sum().backward()
        optimizer.step()

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        step()
    weights = list(learner.parameters())
    for own in weights:
        kept.pop(own.untyped_storage().data_ptr(), None)
    held = sum(kept.values()) + _ADAM * sum(own.numel() * own.element_size() for own in weights)
    times = []
    for _ in range(_STEPS):
        began = time.process_time()
        step()
        times.append(time.process_time() - began)
    return held, min(times)


if __name__ == "__main__":
    main()
