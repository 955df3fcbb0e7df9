"""What can be set about uncertainty weighting; free of torch."""

from typing import Annotated, Literal

from pydantic import Field

from replications.core.spec.options import WeightingOptions


class UncertaintyOptions(WeightingOptions):
    """Learned homoscedastic uncertainty (Kendall et al., 2018)."""

    implementation = ".weighting:build"

    name: Literal["uncertainty"] = "uncertainty"
    lr: Annotated[float, Field(gt=0)] | None = 0.0025
    """Of the log variances: the paper's, which is that of its model too."""
    initial_log_variance: float = 0.0
