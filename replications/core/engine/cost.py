"""What a trained model costs to use: parameters, FLOPs, latency, memory."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def inference_cost(
    model: nn.Module, size: tuple[int, int], device: torch.device, repeats: int = 50
) -> dict[str, Any]:
    """Cost of one image of `size` (H, W) at batch 1, in float32.

    Returns:
        parameters: count needed for inference.
        flops: of a forward pass, one multiply-add counted as two; matrix products and
            convolutions only (torch.utils.flop_counter leaves out elementwise operators).
        latency_ms: median, quartiles and number of timed passes after ten to warm up.
    """
    model.eval()
    image = torch.zeros(1, 3, *size, device=device).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            model(image)
        times = _timed(model, image, device, repeats)
    low, median, high = statistics.quantiles(times, n=4)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "flops": counter.get_total_flops(),
        "latency_ms": {"median": median, "q1": low, "q3": high, "n": repeats},
    }


def _timed(
    model: nn.Module, image: torch.Tensor, device: torch.device, repeats: int
) -> list[float]:
    """Milliseconds of each of `repeats` forward passes."""
    times = []
    for index in range(-10, repeats):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        began = time.perf_counter()
        model(image)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if index >= 0:
            times.append(1000 * (time.perf_counter() - began))
    return times


def peak_memory_mb(device: torch.device) -> float:
    """Peak memory of this process: allocated on the CUDA device, or resident on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
