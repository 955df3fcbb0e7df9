"""What can be set about PASCAL VOC; free of torch."""

from typing import Literal

from replications.core.data.pictures.options import PictureOptions


class PascalVOCOptions(PictureOptions):
    """The photographs of VOC 2012 that have maps; see `data/pascal_voc.dvc`."""

    labels = ("semseg", "instances", "boxes")
    sources = ("data/pascal_voc/VOCtrainval_11-May-2012.tar",)
    redistributable = False
    facts = {"train": 1317, "val": 147, "test": 1449}

    name: Literal["pascal_voc"] = "pascal_voc"
