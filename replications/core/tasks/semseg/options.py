"""What can be set about semantic segmentation; free of torch."""

from replications.core.spec.options import TaskOptions


class SemsegOptions(TaskOptions):
    """Nothing."""

    called = ("semseg",)
    metrics = ("miou", "pixel_accuracy")
    implementation = ".task:build"
