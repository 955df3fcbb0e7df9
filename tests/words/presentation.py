"""How the tasks are named."""

from replications.core.presentation import Presentation

TOPIC = Presentation("주제", {"right": "정확도"})
RARE = Presentation("드문 낱말", {"error": "오차"})
