"""A dataset, two tasks, a weighting and a model; free of torch."""

from typing import Literal

from replications.core.spec.options import (
    DatasetOptions,
    Positive,
    TaskOptions,
    WeightingOptions,
)
from replications.core.spec.options import (
    ModelOptions as Base,
)


class SentencesOptions(DatasetOptions):
    """Random sequences of tokens."""

    labels = ("topic", "rare")
    preparation = ".sentences:prepare"
    implementation = ".sentences:Sentences"
    conditions = ("erased",)

    name: Literal["sentences"] = "sentences"
    length: Positive = 12

    @property
    def variant(self) -> str:
        """Tokens of a sentence."""
        return f"{self.length}"


class TopicOptions(TaskOptions):
    """Which of four topics a sentence is about."""

    called = ("topic",)
    metrics = ("right",)
    implementation = ".tasks:topic"
    presentation = ".presentation:TOPIC"


class RareOptions(TaskOptions):
    """How many rare tokens it has."""

    called = ("rare",)
    metrics = ("error",)
    implementation = ".tasks:rare"
    presentation = ".presentation:RARE"


class LearnedOptions(WeightingOptions):
    """A learned weight per task."""

    implementation = ".weighting:build"

    name: Literal["learned"] = "learned"


class ModelOptions(Base):
    """An embedding, a layer and a head per task."""

    width: Positive = 8
    distilled: bool = False
    """Two phases: the trunk follows a teacher, then all is trained with half of it pruned."""
