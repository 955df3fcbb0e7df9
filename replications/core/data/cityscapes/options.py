"""What can be set about Cityscapes; free of torch."""

from typing import Literal

from replications.core.data.pictures.options import PictureOptions


class CityscapesOptions(PictureOptions):
    """Cityscapes, from the official archives in `data/cityscapes`; see `data/cityscapes.dvc`."""

    labels = ("semseg", "instances", "depth")
    sources = tuple(
        f"data/cityscapes/{what}_trainvaltest.zip"
        for what in ("leftImg8bit", "gtFine", "disparity", "camera")
    )
    redistributable = False
    facts = {"height": 1024, "width": 2048, "train": 2675, "val": 300, "test": 500}

    name: Literal["cityscapes"] = "cityscapes"
    classes: Literal[7, 19] = 19
    """Of the semantic map: the 19 that are evaluated, or the 7 groups they are of."""

    @property
    def variant(self) -> str:
        """The classes, and rows x columns."""
        return f"{self.classes}-{super().variant}"
