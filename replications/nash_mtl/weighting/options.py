"""What can be set about Nash-MTL and its variants; free of torch."""

from typing import Annotated, Literal

from pydantic import Field

from replications.core.spec.options import Positive, WeightingOptions


class NashOptions(WeightingOptions):
    """Nash-MTL (Navon et al., 2022), the bargaining equation solved exactly."""

    implementation = ".nash:build"

    name: Literal["nash"] = "nash"
    update_every: Positive = 1
    """Steps between two solves; the last alpha serves the steps between."""
    max_norm: Annotated[float, Field(gt=0)] | None = None
    """Norm the shared gradient is clipped to; 1 in the authors' code, none given: not clipped."""


class NashFeaturesOptions(NashOptions):
    """Nash-MTL with the Gram matrix of the gradients at the shared representation."""

    implementation = ".nash:build_at_features"

    name: Literal["nash_features"] = "nash_features"  # type: ignore[assignment]


class NashPublishedOptions(NashOptions):
    """Nash-MTL, the bargaining equation solved by the published procedure."""

    implementation = ".published:build"

    name: Literal["nash_published"] = "nash_published"  # type: ignore[assignment]
    optim_niter: Positive = 20
    """Convex problems solved per solve, at most."""
