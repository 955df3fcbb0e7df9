"""What can be set about instance segmentation; free of torch."""

from typing import Annotated

from pydantic import Field

from replications.core.spec.options import Positive, TaskOptions


class InstancesOptions(TaskOptions):
    """Instances by centroid regression; DBSCAN groups the votes of a thing class."""

    called = ("instances",)
    labels = ("instances", "semseg")
    metrics = ("centroid_l1", "ap50")
    implementation = ".task:build"

    radius: Annotated[float, Field(gt=0)] = 2.0
    """Neighbourhood of a vote (eps of DBSCAN) in pixels."""
    min_pixels: Positive = 8
    """Votes that make a cluster (min_samples of DBSCAN), and the smallest instance counted."""
