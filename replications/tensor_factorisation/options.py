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
    error: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """The relative error up to which the factors meet the kernels that they are made from: the rank
    of each mode follows."""
    rank: Annotated[float, Field(gt=0, le=1)] | None = None
    """Instead, the share of the full rank that every mode has."""
    begun: bool = True
    """With the factors of the trained networks; else they give the ranks alone, and the factors are
    those of networks that each start from others."""
