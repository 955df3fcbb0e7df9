"""What can be set about questions to a text; free of torch."""

from replications.core.spec.options import TaskOptions


class TextOptions(TaskOptions):
    """Nothing."""

    called = ("sentiment", "bias", "hate")
    metrics = ("accuracy", "mean_accuracy")
    implementation = ".task:build"
    presentation = ".presentation:PRESENTATIONS"
