"""What can be set about boundaries; free of torch."""

from typing import Annotated

from pydantic import Field

from replications.core.spec.options import TaskOptions


class EdgesOptions(TaskOptions):
    """Boundaries between semantic classes."""

    called = ("edges",)
    labels = ("semseg",)
    metrics = ("ods_f",)
    implementation = ".task:build"

    positive_weight: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Weight of boundary pixels in the loss; the others have the rest to 1."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.0075
    """Distance within which boundaries match, as a share of the image's diagonal. 0.0075 is
    that of BSDS (Martin et al., 2004); 0.011 is usual on NYUD."""
