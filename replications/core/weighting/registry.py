"""The weightings by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from replications.core.tasks.base import Task
from replications.core.weighting.base import Weighting
from replications.core.weighting.equal import Equal
from replications.core.weighting.libmtl import LibMTL
from replications.core.weighting.nash import Nash, NashFeatures
from replications.core.weighting.options import (
    EqualOptions,
    LibMTLOptions,
    NashFeaturesOptions,
    NashOptions,
    ScaleInvariantOptions,
    UncertaintyOptions,
)
from replications.core.weighting.scale_invariant import ScaleInvariant
from replications.core.weighting.uncertainty import Uncertainty


def build_weighting(options: Any, tasks: Mapping[str, Task], device: torch.device) -> Weighting:
    """The weighting its options describe (see `weighting.options`), for `tasks`, on `device`."""
    match options:
        case EqualOptions():
            return Equal(options.scale)
        case UncertaintyOptions():
            likelihoods = {name: task.likelihood for name, task in tasks.items()}
            return Uncertainty(likelihoods, options.initial_log_variance).to(device)
        case LibMTLOptions():
            return LibMTL(options.method, list(tasks), device)
        case NashFeaturesOptions():
            return NashFeatures(list(tasks), options.update_every, options.max_norm)
        case NashOptions():
            return Nash(list(tasks), options.update_every, options.max_norm)
        case ScaleInvariantOptions():
            return ScaleInvariant()
    raise ValueError(f"no weighting for {options!r}")
