"""What can be set about depth; free of torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from replications.core.spec.options import TaskOptions


class DepthOptions(TaskOptions):
    """Depth in metres, or as the disparity of a stereo pair (inverse depth; Kendall et al.)."""

    called = ("depth",)
    metrics = ("inverse_depth_l1", "abs_err", "rel_err", "rmse")
    implementation = ".task:build"

    form: Literal["metric", "inverse"] = "metric"
    baseline: Annotated[float, Field(gt=0)] = 0.22
    """Metres between the cameras of the stereo pair; 0.22 is that of Cityscapes."""
    unit: Annotated[float, Field(gt=0)] = 1.0
    """Metres to 1 of the head's output, in which the loss of metric depth is taken."""
    farthest: Annotated[float, Field(gt=0)] | None = None
    """Metres beyond which metric depth is neither trained nor measured; none given: no limit."""

    @model_validator(mode="after")
    def _of_metric_depth(self) -> DepthOptions:
        if self.form == "inverse" and (self.unit != 1 or self.farthest is not None):
            raise ValueError("unit and farthest are settings of form: metric")
        return self
