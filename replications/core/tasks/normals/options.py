"""What can be set about surface normals; free of torch."""

from typing import Literal

from replications.core.spec.options import TaskOptions


class NormalsOptions(TaskOptions):
    """Surface normals."""

    called = ("normals",)
    metrics = (
        *("angle_mean", "angle_median", "rmse"),
        *("within_11.25", "within_22.5", "within_30"),
    )
    implementation = ".task:build"

    loss: Literal["cosine", "l1"] = "cosine"
    """1 - cosine (Navon et al.), or L1 between unit vectors (Vandenhende et al.)."""
