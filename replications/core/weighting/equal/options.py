"""What can be set about equal weights; free of torch."""

from typing import Annotated, Literal

from pydantic import Field

from replications.core.spec.options import WeightingOptions


class EqualOptions(WeightingOptions):
    """The sum of the losses, each times `scale` (1/K gives their mean)."""

    implementation = ".weighting:build"

    name: Literal["equal"] = "equal"
    scale: Annotated[float, Field(gt=0)] = 1.0
