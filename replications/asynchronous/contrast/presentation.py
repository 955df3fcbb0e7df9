"""How contrastive learning is named."""

from replications.core.presentation import Presentation

PRESENTATION = Presentation("대조 학습", {}, english="contrastive learning")
