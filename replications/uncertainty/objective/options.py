"""What can be set about uncertainty weighting; free of torch."""

from typing import Literal

from replications.core.spec.options import WeightingOptions


class UncertaintyOptions(WeightingOptions):
    """Learned homoscedastic uncertainty (Kendall et al., 2018)."""

    implementation = ".weighting:build"

    name: Literal["uncertainty"] = "uncertainty"
    initial_log_variance: float = 0.0
