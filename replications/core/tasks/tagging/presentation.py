"""How what is asked of words is named."""

from replications.core.presentation import Presentation

_METRICS = {
    "accuracy": "정확도",
    "word_f1": "단어 F1",
    "accuracy_in": "정확도(같은 장르)",
    "accuracy_out": "정확도(다른 장르)",
}
_NAMES = {
    "seg": ("분절", "segmentation"),
    "pos": ("품사", "part of speech"),
    "upos": ("UPOS", "UPOS"),
    "xpos": ("XPOS", "XPOS"),
    "deprel": ("의존 관계", "dependency relation"),
    "head": ("지배소 거리", "head distance"),
}
PRESENTATIONS = {
    task: Presentation(korean, _METRICS, english=english)
    for task, (korean, english) in _NAMES.items()
}
