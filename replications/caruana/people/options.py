"""What is asked about people and what can be set about it; free of torch."""

from replications.core.spec.options import TaskOptions

QUESTIONS = ("income", "never_married", "college", "never_married_shuffled", "college_shuffled")
"""Whether a person earns over 50,000 dollars, has never married, has an associate degree or a
higher one; and the answers that others gave to two of these."""


class QuestionOptions(TaskOptions):
    """Nothing."""

    called = QUESTIONS
    metrics = ("auc", "auc_adults", "log_loss")
    implementation = ".task:build"
    presentation = ".presentation:PRESENTATIONS"
