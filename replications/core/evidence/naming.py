"""What the paper calls tasks, metrics, units and encoders; what has no name keeps its own."""

from __future__ import annotations

from collections.abc import Sequence

from replications.core.presentation import presentation
from replications.core.spec import Comparison, Plan, Verdict

_DELTA_M = {
    "delta_m_per_task_primary": r"$\Delta_m$",
    "delta_m_per_metric": r"$\Delta_m^{\mathrm{P}}$",
    "delta_m_per_task_mean": r"$\Delta_m$",
}
_ENCODERS = {
    "thin": "얇은 ResNet",
    "vgg16": "VGG-16",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "resnet101": "ResNet-101",
    "hrnet_w18": "HRNet-W18",
    "hrnet_w18_small_v2": "HRNet-W18-small-v2",
}
VERDICTS: dict[Verdict, str] = {
    "reproduced": "재현",
    "partly": "부분 재현",
    "contradicted": "반박",
    "undecided": "판정 불가",
}
"""What verdicts are called in text and figures."""
_UNITS = {"%": r"\%", "a0^2": "$a_0^2$", "a0^3": "$a_0^3$"}


def task_name(task: str) -> str:
    """A task as a figure or table calls it; may contain LaTeX's mathematics."""
    return presentation(task).name


def metric_name(task: str, metric: str) -> str:
    """A metric of a task as the head of a column; may contain LaTeX."""
    names = _DELTA_M | dict(presentation(task).metrics)
    return names.get(metric, metric.replace("_", r"\_"))


def part_names(plan: Plan, comparisons: Sequence[Comparison]) -> list[str]:
    """What each of a claim's comparisons is called: that in which they differ, of the run, the run
    it is compared with, the task, the metric and the condition."""
    titles = {run: spec.title for run, spec in plan.replication.runs.items()} | {
        run: spec.title for run, spec in plan.runs.items()
    }
    columns = [
        [titles.get(one.run, one.run) for one in comparisons],
        [titles.get(one.against, one.against) for one in comparisons],
        [task_name(one.task) for one in comparisons],
        [_measured_name(one) for one in comparisons],
        [one.condition for one in comparisons],
    ]
    telling = [column for column in columns if len(set(column)) > 1]
    return [" ".join(filter(None, words)) for words in zip(*telling, strict=True)] or [""]


def _measured_name(comparison: Comparison) -> str:
    name = metric_name(comparison.task, comparison.metric)
    if comparison.beyond is None:
        return name
    return f"{name} - {metric_name(comparison.task, comparison.beyond)}"


def unit_name(unit: str) -> str:
    """A unit as the head of a column; may contain LaTeX."""
    return _UNITS.get(unit, unit)


def encoder_name(encoder: str) -> str:
    """An encoder of a specification, in text."""
    return _ENCODERS.get(encoder, encoder.replace("_", r"\_"))
