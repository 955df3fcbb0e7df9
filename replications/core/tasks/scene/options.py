"""What can be set about scene classification; free of torch."""

from replications.core.spec.options import TaskOptions


class SceneOptions(TaskOptions):
    """Nothing."""

    called = ("scene",)
    metrics = ("accuracy", "mean_accuracy")
    implementation = ".task:build"
