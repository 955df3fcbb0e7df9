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
from replications.core.weighting.nash_published import NashPublished
from replications.core.weighting.options import (
    LIBMTL_PARAMETERS,
    EqualOptions,
    LibMTLOptions,
    NashFeaturesOptions,
    NashOptions,
    NashPublishedOptions,
    ScaleInvariantOptions,
    UncertaintyOptions,
)
from replications.core.weighting.scale_invariant import ScaleInvariant
from replications.core.weighting.uncertainty import Uncertainty


def build_weighting(
    options: Any, tasks: Mapping[str, Task], device: torch.device, steps: int, epoch: int
) -> Weighting:
    """The weighting its options describe (see `weighting.options`), for `tasks`, on `device`.

    `steps`: of the whole training; `epoch`: that make one pass over the training samples.
    """
    match options:
        case EqualOptions():
            return Equal(options.scale)
        case UncertaintyOptions():
            likelihoods = {name: task.likelihood for name, task in tasks.items()}
            return Uncertainty(likelihoods, options.initial_log_variance).to(device)
        case LibMTLOptions():
            parameters = LIBMTL_PARAMETERS[options.method] | options.parameters
            epoch = options.epoch or epoch
            return LibMTL(options.method, parameters, list(tasks), device, steps, epoch)
        case NashPublishedOptions():
            return NashPublished(
                list(tasks), options.update_every, options.max_norm, options.optim_niter
            )
        case NashFeaturesOptions():
            return NashFeatures(list(tasks), options.update_every, options.max_norm)
        case NashOptions():
            return Nash(list(tasks), options.update_every, options.max_norm)
        case ScaleInvariantOptions():
            return ScaleInvariant()
    raise ValueError(f"no weighting for {options!r}")
