"""What can be set about tagging; free of torch."""

from replications.core.spec.options import TaskOptions


class TaggingOptions(TaskOptions):
    """Nothing."""

    called = ("seg", "pos", "upos", "xpos", "deprel", "head")
    metrics = ("accuracy", "word_f1", "accuracy_in", "accuracy_out")
    implementation = ".task:build"
    presentation = ".presentation:PRESENTATIONS"
