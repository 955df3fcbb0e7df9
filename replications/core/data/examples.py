"""What a figure of examples is drawn from; free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replications.core.data.labels import Array
from replications.core.presentation import Presentation


@dataclass(frozen=True)
class Predicted:
    """One task of the samples that serve as examples, in the form of `Task.shown`.

    Attributes:
        unit: that of the primary metric.
        truth, single, joint: (N, ...), the label, and what the single-task run and the reference
            run predict.
    """

    presentation: Presentation
    unit: str
    truth: Array
    single: Array
    joint: Array


@dataclass(frozen=True)
class Examples:
    """Test samples of seed 0 and what is predicted of them.

    Attributes:
        inputs: the stored arrays of the inputs, by name, (N, ...).
        tasks: those of the reference run, in the order of the headline.
        facts: those of the dataset.
        title: of the reference run.
    """

    inputs: Mapping[str, Array]
    tasks: Mapping[str, Predicted]
    facts: Mapping[str, Any]
    title: str
