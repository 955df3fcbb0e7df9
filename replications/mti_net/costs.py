"""What the multi-task networks cost against the two single-task ones, as large as in the paper."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replications.core.engine.experiment import Measured, run_experiment
from replications.core.engine.untrained import costs_of
from replications.core.nets.learner import Learner
from replications.core.spec import Plan
from replications.mti_net.model import build_model
from replications.mti_net.options import ModelOptions

if TYPE_CHECKING:
    import torch


def build(channels: Mapping[str, int], model: Mapping[str, Any]) -> Learner:
    """A network of the replication."""
    return build_model(channels, ModelOptions.model_validate(model), seed=0)


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """Parameters and FLOPs."""
    return costs_of(plan, "costs", build, device)


if __name__ == "__main__":
    run_experiment("mti_net", "costs", measure)
