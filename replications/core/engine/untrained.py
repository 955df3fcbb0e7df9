"""What networks cost at sizes at which nothing is trained, such as the paper's own.

The experiment that measures it has the options `runs`, the runs whose networks are built; `model`,
the model's settings, over which the runs lay their own; `channels`, the width of each task's head;
`size`, (H, W) of an image; and `repeats`, how many passes are timed, none given for 0.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import torch

from replications.core.engine.cost import counted, timed
from replications.core.engine.experiment import Measured
from replications.core.nets.learner import Learner
from replications.core.spec import Plan

Build = Callable[[Mapping[str, int], Mapping[str, Any]], Learner]
"""Widths of the heads and the model's settings to a network."""
_SAVED = {"params_saved": "parameters", "flops_saved": "flops", "latency_saved": "latency_ms"}


def costs_of(plan: Plan, experiment: str, build: Build, device: torch.device) -> Measured:
    """The `costs_table` of an experiment's networks, untrained, and the `savings` in it."""
    options = plan.experiments[experiment].options
    networks = {}
    for run in options["runs"]:
        spec = plan.replication.runs[run]
        channels = {task: options["channels"][task] for task in spec.tasks}
        network = build(channels, options["model"] | spec.model).eval()
        networks[run] = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    sample = torch.rand(1, 3, *options["size"], device=device)
    table = costs_table(networks, sample, options.get("repeats", 0))
    single = [run for run in networks if plan.replication.runs[run].role == "single"]
    return table, savings(table, single)


def costs_table(
    networks: Mapping[str, Learner], sample: torch.Tensor, repeats: int
) -> pd.DataFrame:
    """A row per network: `network`, `parameters` and `flops`, as `inference_cost` counts them, and
    where passes are timed `latency_ms`, their median.

    Arguments:
        sample: (1, 3, H, W).
        repeats: timed passes of each network, in turn; the one that is counted warms up.
    """
    counts = [counted(network, sample) for network in networks.values()]
    table = pd.DataFrame(counts, columns=["parameters", "flops"])
    table.insert(0, "network", list(networks))
    if repeats:
        times = timed(list(networks.values()), sample, repeats, warm_up=0)
        table["latency_ms"] = [statistics.median(own) for own in times]
    return table


def savings(table: pd.DataFrame, single: list[str]) -> dict[str, float]:
    """`<network>_params_saved`, `_flops_saved` and `_latency_saved` of every other network: percent
    saved against the single-task ones together, negative where it costs more."""
    costs = table.set_index("network")
    percent = 100 * (1 - costs.drop(index=single) / costs.loc[single].sum())
    return {
        f"{network}_{key}": float(percent.loc[network, cost])
        for network in percent.index
        for key, cost in _SAVED.items()
        if cost in percent
    }
