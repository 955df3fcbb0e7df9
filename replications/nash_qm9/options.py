"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.spec.options import ModelOptions as Base
from replications.core.spec.options import Positive


class ModelOptions(Base):
    """The message passing network (Gilmer et al., 2017)."""

    dim: Positive = 64
    """Channels of an atom's state and of what the tasks share."""
    hidden: Positive = 128
    """Hidden channels of the edge network."""
    steps: Positive = 3
    """How often atoms exchange messages."""
    readout_steps: Positive = 3
    """How often set2set attends to the atoms."""
    distances: Positive = 32
    """Gaussians that describe the distance of two atoms."""
    reach: Annotated[float, Field(gt=0)] = 8.0
    """Centre of the last of them in angstrom."""
