"""What can be set about vehicle detection; free of torch."""

from typing import Annotated

from pydantic import Field

from replications.core.spec.options import Positive, TaskOptions

_LEVELS = ("easy", "moderate", "hard")


class VehiclesOptions(TaskOptions):
    """Vehicle detection on a grid of cells (MultiNet)."""

    called = ("vehicles",)
    labels = ("boxes",)
    metrics = (
        *(f"{kind}_{level}" for level in _LEVELS for kind in ("ap", "ap40")),
        *(f"ap_{level}_iou50" for level in _LEVELS),
    )
    implementation = ".task:build"

    box_weight: Annotated[float, Field(gt=0)] = 0.1
    """Weight of the L1 loss of boxes against the confidence loss (authors' code)."""
    rezoom_confidence_weight: Annotated[float, Field(ge=0)] = 0.1
    """Weight of the rezoom stage's confidence loss against the first stage's (authors' code)."""
    rezoom_box_weight: Annotated[float, Field(ge=0)] = 0.03
    """Weight of the rezoom stage's loss of boxes against the first stage's (authors' code, where
    that of this stage is a squared error)."""
    least_score: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Confidence below which a cell is no detection."""
    nms_iou: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Overlap from which the weaker of two detections is dropped."""
    most: Positive = 50
    """Detections kept per image."""
