"""Which weightings exist and what can be set about each; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from replications.core.tasks.options import Strict


class EqualOptions(Strict):
    """The sum of the losses, each times `scale` (1/K gives their mean)."""

    name: Literal["equal"] = "equal"
    scale: Annotated[float, Field(gt=0)] = 1.0


class FixedOptions(Strict):
    """The sum of the losses, each times the weight of its task."""

    name: Literal["fixed"] = "fixed"
    weights: dict[str, Annotated[float, Field(gt=0)]]


class UncertaintyOptions(Strict):
    """Learned homoscedastic uncertainty (Kendall et al., 2018)."""

    name: Literal["uncertainty"] = "uncertainty"
    initial_log_variance: float = 0.0


class LibMTLOptions(Strict):
    """A weighting of LibMTL 1.1.5, computed by the library's own class."""

    name: Literal["libmtl"] = "libmtl"
    method: Literal["EW", "UW"]


WeightingOptions = Annotated[
    EqualOptions | FixedOptions | UncertaintyOptions | LibMTLOptions, Field(discriminator="name")
]
