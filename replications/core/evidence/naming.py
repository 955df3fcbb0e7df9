"""What the paper calls tasks, metrics, units, axes and encoders; what has no name keeps its own.

In English, for the page that is read in both languages, runs and metrics are called as the tables
call them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from replications.core.presentation import presentation
from replications.core.spec import Comparison, Plan, Verdict
from replications.core.spec.claims import SINGLES

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
    "mixed": "엇갈림",
    "contradicted": "반박",
    "undecided": "판정 불가",
}
"""What verdicts are called in text and figures."""
_AXES = {
    "steps": "학습 단계",
    "train_fraction": "레이블이 있는 학습 데이터의 비율",
    "model.width": "공유 신경망의 폭 (채널)",
    "model.dim": "공유 신경망의 폭 (특징)",
    "model.hidden": "은닉층의 크기 (단위)",
}
_CONDITIONS = {"snr_db": "SNR {} dB", "bits": "화소당 {} 비트"}
_HANGUL = re.compile("[가-힣]")
_UNITS = {"%": r"\%", "a0^2": "$a_0^2$", "a0^3": "$a_0^3$"}


def task_name(task: str, english: bool = False) -> str:
    """A task as a figure or table calls it; may contain LaTeX's mathematics."""
    found = presentation(task)
    return found.english or found.name if english else found.name


def axis_name(axis: str) -> str:
    """What a run is laid out along, or evaluated at."""
    return _AXES.get(axis, axis)


def condition_name(condition: str, english: bool = False) -> str:
    """A condition, such as `snr_db=5`, in text; may contain LaTeX. Of the usual one nothing."""
    parts = (part.partition("=")[::2] for part in filter(None, condition.split(",")))
    if english:
        return ", ".join(f"{name}={value}" for name, value in parts)
    return ", ".join(
        _CONDITIONS.get(name, name.replace("_", r"\_") + "={}").format(value)
        for name, value in parts
    )


def metric_name(task: str, metric: str, english: bool = False) -> str:
    """A metric of a task as the head of a column; may contain LaTeX."""
    names = _DELTA_M | dict(presentation(task).metrics)
    name = names.get(metric, "")
    if name and not (english and _HANGUL.search(name)):
        return name
    return metric.replace("_", " " if english else r"\_")


def part_names(plan: Plan, comparisons: Sequence[Comparison], english: bool = False) -> list[str]:
    """What each of a claim's comparisons is called: by as little as tells them apart, of the task,
    the metric, the run, the run it is compared with and the condition."""
    specs = plan.replication.runs | plan.runs
    titles = {run: run if english else spec.title for run, spec in specs.items()}
    titles[SINGLES], between = ("single-task", " vs ") if english else ("단일 작업", " 대 ")
    rows = [
        (
            task_name(one.task, english),
            _measured_name(one, english),
            titles.get(one.run, one.run),
            titles.get(one.against, one.against),
            condition_name(one.condition, english),
        )
        for one in comparisons
    ]
    columns = range(5)
    subsets = itertools.chain(*(itertools.combinations(columns, size) for size in range(1, 6)))
    for subset in subsets:
        # Runs before their task, as a sentence has them.
        names = []
        for row in rows:
            runs, rest = ([row[c] for c in own if c in subset] for own in ((2, 3), (0, 1, 4)))
            compared, about = between.join(filter(None, runs)), " ".join(filter(None, rest))
            apart = f"{' ' if english else ''}({about})"
            names.append(f"{compared}{apart}" if compared and about else compared or about)
        if len(set(names)) == len(names):
            break
    return names


def _measured_name(comparison: Comparison, english: bool) -> str:
    names = filter(None, (comparison.metric, comparison.beyond))
    return " - ".join(metric_name(comparison.task, name, english) for name in names)


def span(values: Iterable[float], form: str) -> str:
    """The least and the greatest of some values, as a format specification writes them; one where
    they are equal."""
    found = sorted(values)
    return "--".join(f"{value:{form}}" for value in dict.fromkeys((found[0], found[-1])))


def unit_name(unit: str) -> str:
    """A unit as the head of a column; may contain LaTeX."""
    return _UNITS.get(unit, unit)


def encoder_name(encoder: str) -> str:
    """An encoder of a specification, in text."""
    return _ENCODERS.get(encoder, encoder.replace("_", r"\_"))
