"""What can be set about scale-invariant weighting; free of torch."""

from typing import Literal

from replications.core.spec.options import WeightingOptions


class ScaleInvariantOptions(WeightingOptions):
    """The sum of the logarithms of the losses (SI in Navon et al., 2022)."""

    implementation = ".weighting:build"

    name: Literal["scale_invariant"] = "scale_invariant"
