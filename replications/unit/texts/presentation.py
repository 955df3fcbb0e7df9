"""How questions to a text are named."""

from replications.core.presentation import Presentation

_METRICS = {"accuracy": "정확도", "mean_accuracy": "평균 정확도"}
PRESENTATIONS = {
    "sentiment": Presentation("감성", _METRICS, english="sentiment"),
    "bias": Presentation("편견", _METRICS, english="bias"),
    "hate": Presentation("혐오", _METRICS, english="hate"),
}
