"""What can be set about the weightings of LibMTL 1.1.5; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from replications.core.spec.options import WeightingOptions

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
"""The methods with their parameters and the library's defaults."""


class LibMTLOptions(WeightingOptions):
    """A weighting of LibMTL 1.1.5, computed by the library's own class."""

    implementation = ".weighting:build"

    name: Literal["libmtl"] = "libmtl"
    method: str
    parameters: dict[str, int | float | str] = {}
    """What differs from the library's defaults (`LIBMTL_PARAMETERS`)."""
    epoch: Annotated[int, Field(ge=1)] | None = None
    """Steps of an epoch, for DWA and GradNorm; none given: one pass over the training samples."""

    @model_validator(mode="after")
    def _known_method(self) -> LibMTLOptions:
        if self.method not in LIBMTL_PARAMETERS:
            raise ValueError(
                f"unknown method '{self.method}'; LibMTL has: {', '.join(LIBMTL_PARAMETERS)}"
            )
        known = LIBMTL_PARAMETERS[self.method]
        if unknown := set(self.parameters) - set(known):
            raise ValueError(
                f"{self.method} has no parameter {', '.join(sorted(unknown))}; "
                f"it has: {', '.join(known) or 'none'}"
            )
        return self
