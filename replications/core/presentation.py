"""How a task is named and drawn; free of torch and matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from replications.core.spec.options import TaskOptions, declared

Draw = Callable[[Any, Any, Any, Mapping[str, Any]], None]
Overlay = Callable[[Any, Any, Any, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Presentation:
    """What papers call a task and its metrics, and how figures show it.

    Attributes:
        name: in Korean; may contain LaTeX's mathematics.
        metrics: heads of columns; a metric that is not named keeps the name of the tables.
        draw: `draw(axis, values, truth, facts)` draws one sample's values as a picture of its own,
            in the form of `Task.shown`; `facts` are those of the dataset.
        overlay: `overlay(axis, picture, values, facts)` draws them on the image instead, a float
            array (H, W, 3), and returns the picture.
        english: the name where results are read in English; none given: `name`, such as a symbol.
    """

    name: str
    metrics: Mapping[str, str] = field(default_factory=dict)
    draw: Draw | None = None
    overlay: Overlay | None = None
    english: str = ""


def presentation(task: str) -> Presentation:
    """That of a task; of what is no task, just the name."""
    options = declared(TaskOptions).get(task)
    if options is None:
        return Presentation("전체", english="all tasks") if task == "all" else Presentation(task)
    found = options.load(options.presentation)
    own: Presentation = found[task] if isinstance(found, Mapping) else found
    return own
