"""Which weightings exist and what can be set about each; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

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


LIBMTL_PARAMETERS: dict[str, dict[str, int | float | str]] = {
    "EW": {},
    "RLW": {"dist": "Normal"},
    "DWA": {"T": 2.0},
    "UW": {},
    "GLS": {},
    "GradNorm": {"alpha": 1.5},
    "MGDA": {"mgda_gn": "none"},
    "PCGrad": {},
    "GradVac": {"beta": 0.5},
    "GradDrop": {"leak": 0.0},
    "CAGrad": {"calpha": 0.5, "rescale": 1},
    "IMTL": {},
}
"""The methods of LibMTL 1.1.5 with their parameters and the library's defaults."""


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
    parameters: dict[str, int | float | str] = {}
    """What differs from the library's defaults (`LIBMTL_PARAMETERS`)."""
    epoch: Annotated[int, Field(ge=1)] | None = None
    """Steps of an epoch, for DWA and GradNorm; none given: one pass over the training samples."""

    @model_validator(mode="after")
    def _known_parameters(self) -> LibMTLOptions:
        known = LIBMTL_PARAMETERS[self.method]
        if unknown := set(self.parameters) - set(known):
            raise ValueError(
                f"{self.method} has no parameter {', '.join(sorted(unknown))}; "
                f"it has: {', '.join(known) or 'none'}"
            )
        return self


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
