"""What can be set about Streets; free of torch."""

from typing import Literal

from replications.core.data.pictures.options import PictureOptions


class StreetsOptions(PictureOptions):
    """Streets, from the archives that DVC tracks."""

    labels = ("semseg", "instances", "depth", "normals", "boxes", "scene")
    sources = tuple(f"data/streets/{split}.tar" for split in ("train", "val", "test"))
    together = 4  # frames of a street
    facts = {"height": 128, "width": 256, "train": 480, "val": 120, "test": 200}

    name: Literal["streets"] = "streets"
