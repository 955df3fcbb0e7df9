"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.nets.registry.staged import StagedOptions

Form = Literal["laf", "tucker", "tt"]


class ModelOptions(StagedOptions):
    """An encoder for each task, whose kernels are made from factors in common."""

    form: Form = "tucker"
    """Last-axis flattening, Tucker's decomposition, or a tensor train."""
    rank: Annotated[float, Field(gt=0, le=1)] = 0.5
    """The share of the full rank, in every mode, that the factors have."""
