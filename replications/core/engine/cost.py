"""What a trained model costs to use: parameters, FLOPs, latency, memory."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from replications.core.nets.learner import Learner


def inference_cost(
    model: nn.Module, sample: Any, separate: Sequence[nn.Module] = (), repeats: int = 50
) -> dict[str, Any]:
    """Cost of one `sample` as a batch of one, such as (1, 3, H, W), in float32 on its device.

    Arguments:
        separate: the single-task networks that the model replaces, if it does.

    Returns:
        parameters: count needed for inference.
        flops: of a forward pass, one multiply-add counted as two; matrix products and
            convolutions only (torch.utils.flop_counter leaves out elementwise operators).
        latency_ms: median, quartiles and number of timed passes after ten to warm up.
        latency_separate_ms: sum of the median latencies of the separate networks, timed in turn
            with the model, so that what else the machine does meets both; without any, the model's.
    """
    for network in (model, *separate):
        network.eval()
    parameters, flops = counted(model, sample)
    times, *alone = timed([model, *separate], sample, repeats, warm_up=10)
    low, median, high = statistics.quantiles(times, n=4)
    return {
        "parameters": parameters,
        "flops": flops,
        "latency_ms": {"median": median, "q1": low, "q3": high, "n": repeats},
        "latency_separate_ms": sum(map(statistics.median, alone)) if alone else median,
    }


@torch.no_grad()
def counted(model: nn.Module, sample: Any) -> tuple[int, int]:
    """Parameters that inference needs, and FLOPs of a forward pass; see `inference_cost`."""
    with FlopCounterMode(display=False) as counter:
        model(sample)
    needed = model.inference_parameters() if isinstance(model, Learner) else model.parameters()
    return sum(p.numel() for p in needed), counter.get_total_flops()


@torch.no_grad()
def timed(
    networks: Sequence[nn.Module], sample: Any, repeats: int, warm_up: int
) -> list[list[float]]:
    """Milliseconds of each of `repeats` forward passes of each network, taken in turn, after
    `warm_up` that are not timed."""
    times: list[list[float]] = [[] for _ in networks]
    for index in range(-warm_up, repeats):
        for network, own in zip(networks, times, strict=True):
            _wait()
            began = time.perf_counter()
            network(sample)
            _wait()
            if index >= 0:
                own.append(1000 * (time.perf_counter() - began))
    return times


def _wait() -> None:
    """Let the device finish what it was given."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def peak_memory_mb(device: torch.device) -> float:
    """Peak memory of this process: allocated on the CUDA device, or resident on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
