"""How what a picture shows is named."""

from replications.core.presentation import Presentation

PRESENTATION = Presentation("분류", {"accuracy": "정확도"}, english="classification")
