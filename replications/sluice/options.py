"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.nets.registry.staged import StagedOptions

Share = Annotated[float, Field(ge=0, le=1)]


class ModelOptions(StagedOptions):
    """An encoder for each task, subspaces of which are mixed behind every stage."""

    subspaces: Literal[1, 2] = 2
    """Into how many parts the channels of a stage are cut."""
    own: Share | None = None
    """What a subspace takes of itself at first, and of the others together the rest to 1; none
    given: of all the same, as in the paper."""
    orthogonality: Annotated[float, Field(ge=0)] = 0.1
    """The factor on the penalty that keeps the subspaces of a stage apart."""
    mixture: bool = True
    """A head is fed with a mixture of all stages; else with the last one."""
    last: Share = 0.9
    """The part of the last stage in the mixture at first; the others share the rest."""
