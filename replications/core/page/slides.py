"""Examples that a reader slides over each other: truth, single-task and multi-task prediction."""

from __future__ import annotations

import base64
import importlib
import io
from collections.abc import Iterator

import matplotlib as mpl
from matplotlib.figure import Figure

from replications.core.drawing import style
from replications.core.evidence.figures import examples_figure, examples_of
from replications.core.evidence.naming import task_name
from replications.core.evidence.study import Results
from replications.core.page.text import Both, both

Slide = dict[str, object]
"""A title and the pictures to slide over each other, as data URLs by what they show."""


def slides(results: Results) -> Iterator[Slide]:
    """Those of a replication, as its dataset draws them; where it cannot, the figure of examples;
    nothing where the dataset has none or the runs' predictions are not there."""
    plan = results.plan
    reference = results.run_folder(plan.replication.reference, plan.first_seed)
    if not plan.data.examples or not (reference / "examples.npz").is_file():
        return
    if not any(name.startswith("truth_") for name in results.examples(plan.replication.reference)):
        return  # samples that may not be passed on
    module = importlib.import_module(type(plan.data).module_of(plan.data.examples))
    with mpl.rc_context(style()):
        if not hasattr(module, "slides"):
            yield {"title": _title([]), "pictures": {"figure": _png(examples_figure(results))}}
            return
        for names, drawn in module.slides(examples_of(results)):
            pictures = {source: _png(figure) for source, figure in drawn.items()}
            yield {"title": _title(names), "pictures": pictures}


def _title(tasks: list[str]) -> Both:
    korean, english = (
        ", ".join(task_name(task, english) for task in tasks) for english in (False, True)
    )
    return both(korean, english)


def _png(figure: Figure) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=figure.dpi, metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"
