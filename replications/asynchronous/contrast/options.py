"""What can be set about contrastive learning; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.spec.options import Positive, TaskOptions


class ContrastOptions(TaskOptions):
    """An auxiliary task: it has a loss and no metric."""

    called = ("contrast",)
    labels = ("picture",)
    implementation = ".task:build"

    features: Positive = 64
    """Numbers of a projection."""
    temperature: Annotated[float, Field(gt=0)] = 0.2
