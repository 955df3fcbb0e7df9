"""What can be set about what a picture shows; free of torch."""

from replications.core.spec.options import TaskOptions


class CategoryOptions(TaskOptions):
    """Nothing."""

    called = ("category",)
    metrics = ("accuracy",)
    implementation = ".task:build"
