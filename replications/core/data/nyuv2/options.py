"""What can be set about NYUv2; free of torch."""

from typing import Literal

from replications.core.data.pictures.options import PictureOptions


class NYUv2Options(PictureOptions):
    """NYUv2's labelled frames, from the official file in `data/nyuv2`; see `data/nyuv2.dvc`."""

    labels = ("semseg", "depth", "normals")
    sources = (
        "data/nyuv2/nyu_depth_v2_labeled.mat",
        "data/nyuv2/splits.mat",
        "data/nyuv2/classMapping40.mat",
        "data/nyuv2/class13Mapping.mat",
    )
    redistributable = False
    facts = {"height": 480, "width": 640, "test": 654}

    name: Literal["nyuv2"] = "nyuv2"
    classes: Literal[13, 40] = 40
    """Of the semantic map: 40 by Gupta et al. (2013), or 13 by Couprie et al. (2013)."""

    @property
    def variant(self) -> str:
        """The classes, and rows x columns."""
        return f"{self.classes}-{super().variant}"
