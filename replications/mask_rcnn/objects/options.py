"""What can be set about the detection of things; free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from replications.core.spec.options import Positive, TaskOptions


class ObjectsOptions(TaskOptions):
    """Things, whose boxes and masks follow from the maps of instances and classes."""

    called = ("objects", "masks")
    labels = ("instances", "semseg")
    metrics = ("ap", "ap50", "ap75", "ap_small", "ap_large", "mask_ap")
    implementation = ".task:build"
    presentation = ".presentation:PRESENTATIONS"

    kinds: list[str] = []
    """The classes of things that are looked for, by name; none given: all."""
    min_pixels: Positive = 20
    """Things with fewer pixels are ignored: neither learned nor counted."""
    small: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """The share of the picture below which a thing is small; the others are large."""
