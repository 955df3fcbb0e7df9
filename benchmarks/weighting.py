"""Time of a training step by weighting: ours, LibMTL's own and TorchJD's, on one model and batch.

Usage: python -m benchmarks.weighting [--device cuda] [--size 128 256]

A step is forward, losses and everything that leaves gradients; the optimiser is left out. Steps of
all weightings take turns and the fastest of each is reported. Time is that of the CPU, one thread,
so that what else the machine does counts as little as it can; on CUDA it is wall time.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torchjd.aggregation import NashMTL
from torchjd.autojac import jac_to_grad, mtl_backward

from replications.core.nets.decoders import ConvHead
from replications.core.nets.learner import Features
from replications.core.nets.shared_trunk import SharedTrunk
from replications.core.weighting.base import Weighting
from replications.core.weighting.equal.weighting import Equal
from replications.core.weighting.libmtl.weighting import libmtl_class
from replications.nash_mtl.weighting.nash import Nash, NashFeatures
from replications.nash_mtl.weighting.published import NashPublished

_BATCH = 8
_REPEATS = 3
_EVERY = 5
Step = Callable[[], None]


class Trunk(nn.Module):
    """ResNet-18 without its classifier: (B, 3, H, W) to (B, 512, H/32, W/32)."""

    def __init__(self) -> None:
        super().__init__()
        network = torchvision.models.resnet18(weights=None)
        self.layers = nn.Sequential(*list(network.children())[:-2])

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.layers(images)
        return features


class Scene:
    """A model of `tasks` tasks and a batch."""

    def __init__(self, tasks: int, size: tuple[int, int], device: torch.device) -> None:
        self.size, self.device = size, device
        self.tasks = [f"task{k}" for k in range(tasks)]
        heads = {task: partial(ConvHead, 512, 64, 4) for task in self.tasks}
        # Channels first: LibMTL flattens gradients as views and fails on any other layout.
        self.model = SharedTrunk(Trunk, heads, seed=0).to(device)
        generator = torch.Generator().manual_seed(0)
        self.images = torch.randn(_BATCH, 3, *size, generator=generator).to(device)
        self.targets = torch.randn(tasks, _BATCH, 4, *size, generator=generator).to(device)

    def forward(self) -> tuple[dict[str, Tensor], Features]:
        """Losses and the representation; gradients are cleared."""
        self.model.zero_grad(set_to_none=True)
        features = self.model.encode(self.images)
        predictions = self.model.decode(features, self.size)
        pairs = zip(self.tasks, self.targets, strict=True)
        return {t: (predictions[t] - target).square().mean() for t, target in pairs}, features

    def seconds(self) -> float:
        """A clock: of this process on the CPU, of the wall on CUDA."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            return time.perf_counter()
        return time.process_time()


def ours(scene: Scene, weighting: Weighting, steps: int = 1) -> None:
    """Steps with a weighting of this project."""
    for _ in range(steps):
        losses, features = scene.forward()
        weighting.backward(losses, features, scene.model)


def bound(scene: Scene) -> None:
    """Forward and one backward pass through the trunk per task, and nothing else."""
    _, features = scene.forward()
    assert isinstance(features, Tensor)
    ones, parameters = torch.ones_like(features), scene.model.shared_parameters()
    for _ in scene.tasks:
        torch.autograd.grad(features, parameters, ones, retain_graph=True)


def libmtl(scene: Scene, method: Any, parameters: dict[str, Any]) -> None:
    """A step as LibMTL's trainer conducts it."""
    losses, _ = scene.forward()
    method.backward(torch.stack(list(losses.values())), **parameters)


def libmtl_method(scene: Scene, name: str) -> Any:
    """LibMTL's method `name` on the model of `scene`, with the library's own gradients."""
    shared = scene.model.shared_parameters()
    method = libmtl_class(name)()
    method.task_num, method.device, method.rep_grad = len(scene.tasks), scene.device, False
    method.get_share_params = lambda: shared
    method.zero_grad_share_params = partial(scene.model.trunk.zero_grad, set_to_none=False)
    return method


def torchjd(scene: Scene, aggregator: NashMTL) -> None:
    """A step as TorchJD's examples conduct it."""
    losses, features = scene.forward()
    assert isinstance(features, Tensor)
    mtl_backward(list(losses.values()), features=features)
    jac_to_grad(scene.model.shared_parameters(), aggregator)


def contenders(scene: Scene) -> dict[str, Step]:
    """A step of every weighting, by the name in the table."""
    tasks = scene.tasks
    every = Nash(tasks, _EVERY, 1.0)
    return {
        "equal weights": partial(ours, scene, Equal(1.0)),
        "forward + K trunk backwards": partial(bound, scene),
        "nash (ours)": partial(ours, scene, Nash(tasks, 1, 1.0)),
        f"nash, update_every {_EVERY} (ours)": partial(ours, scene, every, _EVERY),
        "nash_features (ours)": partial(ours, scene, NashFeatures(tasks, 1, 1.0)),
        "nash_published (ours)": partial(ours, scene, NashPublished(tasks, 1, 1.0, 20)),
        "TorchJD NashMTL": partial(torchjd, scene, NashMTL(len(tasks), 1.0, 1, 20)),
        "LibMTL PCGrad": partial(libmtl, scene, libmtl_method(scene, "PCGrad"), {}),
        "LibMTL MGDA": partial(libmtl, scene, libmtl_method(scene, "MGDA"), {"mgda_gn": "none"}),
    }


def measured(scene: Scene) -> Iterator[tuple[str, float, float]]:
    """(name, least seconds of a step, least seconds of it in the solver) of every weighting."""
    steps = contenders(scene)
    least = {name: [math.inf, math.inf] for name in steps}
    for index in range(_REPEATS + 1):
        for name, step in steps.items():
            count = _EVERY if "every" in name else 1
            began, solver = scene.seconds(), _solver_seconds(step)
            step()
            passed = (scene.seconds() - began, _solver_seconds(step) - solver)
            if index > 0:
                least[name] = [min(a, b / count) for a, b in zip(least[name], passed, strict=True)]
    for name, (whole, solver) in least.items():
        yield name, whole, solver


def _solver_seconds(step: Any) -> float:
    """Spent so far by those of our weightings that solve something."""
    weighting = step.args[1] if len(step.args) > 1 else None
    return weighting.cost()["solver_s"] if isinstance(weighting, Nash) else math.nan


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--size", type=int, nargs=2, default=(64, 128), metavar=("H", "W"))
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| step | K = 3, ms | x bound | solver, ms | K = 10, ms | x bound | solver, ms |")
    print("|---|---|---|---|---|---|---|")
    rows: dict[str, str] = {}
    for tasks in (3, 10):
        found = list(measured(Scene(tasks, tuple(arguments.size), device)))
        limit = next(s for name, s, _ in found if name.startswith("forward"))
        for name, seconds, solver in found:
            share = f"{1000 * solver:.2f}" if math.isfinite(solver) else ""
            cells = f" {1000 * seconds:.0f} | {seconds / limit:.2f} | {share} |"
            rows[name] = rows.get(name, f"| {name} |") + cells
    print("\n".join(rows.values()))


if __name__ == "__main__":
    main()
