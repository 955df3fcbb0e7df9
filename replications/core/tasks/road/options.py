"""What can be set about road segmentation; free of torch."""

from replications.core.spec.options import TaskOptions


class RoadOptions(TaskOptions):
    """Nothing."""

    called = ("road",)
    labels = ("semseg",)
    metrics = ("max_f1", "ap")
    implementation = ".task:build"
