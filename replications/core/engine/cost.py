"""What a trained model costs to use: parameters, FLOPs, latency, memory."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from replications.core.nets.shared_trunk import SharedTrunk

Network = Callable[[Tensor], Any]


def inference_cost(model: nn.Module, sample: Tensor, repeats: int = 50) -> dict[str, Any]:
    """Cost of one `sample` as a batch of one, such as (1, 3, H, W), in float32 on its device.

    Returns:
        parameters: count needed for inference.
        flops: of a forward pass, one multiply-add counted as two; matrix products and
            convolutions only (torch.utils.flop_counter leaves out elementwise operators).
        latency_ms: median, quartiles and number of timed passes after ten to warm up.
        latency_separate_ms: sum over the tasks of the median latency of the network that has that
            task alone, timed in turn with the whole, so that what else the machine does meets both.
    """
    model.eval()
    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            model(sample)
        times, *alone = _timed([model, *_of_one_task(model)], sample, repeats)
    low, median, high = statistics.quantiles(times, n=4)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "flops": counter.get_total_flops(),
        "latency_ms": {"median": median, "q1": low, "q3": high, "n": repeats},
        "latency_separate_ms": sum(map(statistics.median, alone)) if alone else median,
    }


def _of_one_task(model: nn.Module) -> list[Network]:
    """The networks a multi-task model replaces: its trunk with one of its heads each."""
    if not isinstance(model, SharedTrunk) or len(model.heads) == 1:
        return []

    def network(task: str) -> Network:
        return lambda sample: model.decode(
            model.encode(sample), (sample.shape[-2], sample.shape[-1]), [task]
        )

    return [network(task) for task in model.heads]


def _timed(networks: Sequence[Network], sample: Tensor, repeats: int) -> list[list[float]]:
    """Milliseconds of each of `repeats` forward passes of each network, taken in turn."""
    times: list[list[float]] = [[] for _ in networks]
    for index in range(-10, repeats):
        for network, own in zip(networks, times, strict=True):
            _wait(sample.device)
            began = time.perf_counter()
            network(sample)
            _wait(sample.device)
            if index >= 0:
                own.append(1000 * (time.perf_counter() - began))
    return times


def _wait(device: torch.device) -> None:
    """Let the device finish what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def peak_memory_mb(device: torch.device) -> float:
    """Peak memory of this process: allocated on the CUDA device, or resident on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
