"""Which tasks exist and what can be set about each; free of torch, so the workflow can read it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from replications.core.data.labels import PROPERTIES


class Strict(BaseModel):
    """A specification: unknown keys are refused and values do not change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SemsegOptions(Strict):
    """Semantic segmentation has nothing to set."""


class DepthOptions(Strict):
    """Depth in metres, or as the disparity of a stereo pair (inverse depth; Kendall et al.)."""

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


class EdgesOptions(Strict):
    """Boundaries between semantic classes."""

    positive_weight: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Weight of boundary pixels in the loss; the others have the rest to 1."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.0075
    """Distance within which boundaries match, as a share of the image's diagonal. 0.0075 is
    that of BSDS (Martin et al., 2004); 0.011 is usual on NYUD."""


class NormalsOptions(Strict):
    """Surface normals."""

    loss: Literal["cosine", "l1"] = "cosine"
    """1 - cosine (Navon et al.), or L1 between unit vectors (Vandenhende et al.)."""


class InstancesOptions(Strict):
    """Instances by centroid regression; DBSCAN groups the votes of a thing class."""

    radius: Annotated[float, Field(gt=0)] = 2.0
    """Neighbourhood of a vote (eps of DBSCAN) in pixels."""
    min_pixels: Annotated[int, Field(ge=1)] = 8
    """Votes that make a cluster (min_samples of DBSCAN), and the smallest instance counted."""


class RoadOptions(Strict):
    """Road segmentation has nothing to set."""


class VehiclesOptions(Strict):
    """Vehicle detection on a grid of cells (MultiNet)."""

    box_weight: Annotated[float, Field(gt=0)] = 0.1
    """Weight of the L1 loss of boxes against the confidence loss (authors' code)."""
    least_score: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Confidence below which a cell is no detection."""
    nms_iou: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Overlap from which the weaker of two detections is dropped."""
    most: Annotated[int, Field(ge=1)] = 50
    """Detections kept per image."""


class SceneOptions(Strict):
    """Scene classification has nothing to set."""


class PropertyOptions(Strict):
    """A property of molecules has nothing to set."""


TASK_METRICS: dict[str, tuple[str, ...]] = {
    "semseg": ("miou", "pixel_accuracy"),
    "instances": ("centroid_l1", "ap50"),
    "depth": ("inverse_depth_l1", "abs_err", "rel_err", "rmse"),
    "edges": ("ods_f",),
    "normals": (
        *("angle_mean", "angle_median", "rmse"),
        *("within_11.25", "within_22.5", "within_30"),
    ),
    "road": ("max_f1", "ap"),
    "vehicles": tuple(
        f"{kind}_{level}" for level in ("easy", "moderate", "hard") for kind in ("ap", "ap40")
    )
    + tuple(f"ap_{level}_iou50" for level in ("easy", "moderate", "hard")),
    "scene": ("accuracy", "mean_accuracy"),
    **dict.fromkeys(PROPERTIES, ("mae",)),
}
"""What each task measures; a specification that names anything else is refused."""

TASK_OPTIONS: dict[str, type[Strict]] = {
    "semseg": SemsegOptions,
    "instances": InstancesOptions,
    "depth": DepthOptions,
    "edges": EdgesOptions,
    "normals": NormalsOptions,
    "road": RoadOptions,
    "vehicles": VehiclesOptions,
    "scene": SceneOptions,
    **dict.fromkeys(PROPERTIES, PropertyOptions),
}
