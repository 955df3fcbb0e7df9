"""How the questions about people are named."""

from replications.core.presentation import Presentation

_METRICS = {"auc": "AUC", "auc_adults": "AUC(성인)", "log_loss": "로그 손실"}
_NAMES = {
    "income": ("소득", "income"),
    "never_married": ("미혼", "never married"),
    "college": ("학위", "college"),
    "never_married_shuffled": ("미혼(섞음)", "never married, shuffled"),
    "college_shuffled": ("학위(섞음)", "college, shuffled"),
}
PRESENTATIONS = {
    task: Presentation(korean, _METRICS, english=english)
    for task, (korean, english) in _NAMES.items()
}
