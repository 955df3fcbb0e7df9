"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.nets.registry.staged import StagedOptions


class ModelOptions(StagedOptions):
    """An encoder for each task, with units between them."""

    own: Annotated[float, Field(ge=0, le=1)] = 0.9
    """What a task takes at first of its own features; of the others' it takes the rest to 1, from
    each the same (section 5 of the paper)."""
