"""What can be set about KITTI; free of torch."""

from typing import Literal

from replications.core.data.pictures.options import PictureOptions


class KITTIOptions(PictureOptions):
    """KITTI's frames with roads and those with objects, which are not the same: a sample has the
    labels of one of them. From the official archives in `data/kitti`; see `data/kitti.dvc`."""

    labels = ("semseg", "boxes")
    sources = tuple(
        f"data/kitti/data_{what}.zip" for what in ("road", "object_label_2", "object_image_2")
    )
    redistributable = False
    facts = {"height": 375, "width": 1242, "train": 6878, "val": 363, "test": 529}

    name: Literal["kitti"] = "kitti"
