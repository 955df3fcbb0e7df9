"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.nets.registry import StridedOptions
from replications.core.nets.registry.dense import DENSE
from replications.core.spec.options import Positive


class ModelOptions(StridedOptions):
    """Encoder, ASPP and heads (section 4 of the paper)."""

    known = DENSE

    aspp_channels: Positive = 256
    aspp_rates: Annotated[list[Positive], Field(min_length=1)] = [1, 12, 24, 36]
    head_channels: Positive = 256
