"""Which weightings exist and what can be set about each; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.tasks.options import Strict


class EqualOptions(Strict):
    """The sum of the losses, each times `scale` (1/K gives their mean)."""

    name: Literal["equal"] = "equal"
    scale: Annotated[float, Field(gt=0)] = 1.0


class UncertaintyOptions(Strict):
    """Learned homoscedastic uncertainty (Kendall et al., 2018)."""

    name: Literal["uncertainty"] = "uncertainty"
    initial_log_variance: float = 0.0


class ScaleInvariantOptions(Strict):
    """The sum of the logarithms of the losses (SI in Navon et al., 2022)."""

    name: Literal["scale_invariant"] = "scale_invariant"


class NashOptions(Strict):
    """Nash-MTL (Navon et al., 2022), the bargaining equation solved exactly."""

    name: Literal["nash"] = "nash"
    update_every: Annotated[int, Field(ge=1)] = 1
    """Steps between two solves; the last alpha serves the steps between."""
    max_norm: Annotated[float, Field(gt=0)] | None = 1.0
    """Norm the shared gradient is clipped to; 1 in the authors' code."""


class NashFeaturesOptions(NashOptions):
    """Nash-MTL with the Gram matrix of the gradients at the shared representation."""

    name: Literal["nash_features"] = "nash_features"  # type: ignore[assignment]


class NashPublishedOptions(NashOptions):
    """Nash-MTL, the bargaining equation solved by the published procedure."""

    name: Literal["nash_published"] = "nash_published"  # type: ignore[assignment]
    optim_niter: Annotated[int, Field(ge=1)] = 20
    """Convex problems solved per solve, at most."""


class LibMTLOptions(Strict):
    """A weighting of LibMTL 1.1.5, computed by the library's own class."""

    name: Literal["libmtl"] = "libmtl"
    method: Literal[
        "EW",
        "RLW",
        "DWA",
        "UW",
        "GLS",
        "GradNorm",
        "MGDA",
        "PCGrad",
        "GradVac",
        "GradDrop",
        "CAGrad",
        "IMTL",
    ]


WeightingOptions = Annotated[
    EqualOptions
    | UncertaintyOptions
    | ScaleInvariantOptions
    | NashOptions
    | NashFeaturesOptions
    | NashPublishedOptions
    | LibMTLOptions,
    Field(discriminator="name"),
]
