"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from replications.core.nets.registry.staged import StagedOptions

Share = Annotated[float, Field(ge=0, le=1)]


class ModelOptions(StagedOptions):
    """An encoder for each task, subspaces of which are mixed behind every stage."""

    subspaces: Literal[1, 2] = 2
    """Into how many parts the channels of a stage are cut."""
    own: Share | None = 0.9
    """What a subspace takes of itself at first, and of the others together the rest to 1; none: of
    all the same, as in the paper, between encoders that start apart."""
    orthogonality: Annotated[float, Field(ge=0)] = 0.1
    """The factor on the penalty that keeps the subspaces of a stage apart."""
    mixture: bool = True
    """A head is fed with a mixture of all stages; else with the last one."""
    last: Share = 0.9
    """The part of the last stage in the mixture at first; the others share the rest."""

    @model_validator(mode="after")
    def _can_come_apart(self) -> ModelOptions:
        if self.own is None and self.pretrained:
            raise ValueError(
                "own: none leaves encoders that start alike as they are; give own a share, "
                "such as 0.9, or set pretrained: false"
            )
        return self
