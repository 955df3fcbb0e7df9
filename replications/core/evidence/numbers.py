"""Every number and every sentence about an outcome that the paper may use, as LaTeX definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from replications.core.evidence.naming import VERDICTS, encoder_name, span
from replications.core.evidence.study import Results
from replications.core.evidence.tables import decimals, relative
from replications.core.spec import Plan

_SAVED = {
    "params_saved": "parameters",
    "flops_saved": "flops",
    "latency_saved": "latency_ms",
}
_OPEN = {
    "": "주장 {}에 대해서는 판정할 수 없었다",
    "few seeds": "주장 {}에 대해서는 시드가 모자라 판정할 수 없었다",
    "lacks runs": "주장 {}에 필요한 실행은 하지 않았다",
    "not settled": "주장 {}의 판정은 학습을 늘리면 달라질 수 있어 보류하였다",
    "not trained": "주장 {}의 판정은 바닥을 넘지 못한 실행에 달려 있어 보류하였다",
    "not meaningful": "주장 {}의 판정은 기준인 단일 작업 값이 불안정하여 보류하였다",
}
"""What is said of claims that are undecided, by reason."""
_PARTS = {
    "parts_for": "성립",
    "parts_against": "뒤집힘",
    "parts_open": "미정",
    "parts_lacking": "실행 없음",
}
_MOST_NAMED = dict.fromkeys(_PARTS, 6) | {"parts_lacking": 3}
"""How many parts a sentence names; of more it says how many they are."""

_QUOTES = str.maketrans("‘’", "`'")
"""LaTeX's own: after those of Unicode it would set a space before a particle."""


def definitions(pairs: Iterator[tuple[str, str]]) -> str:
    r"""One `\kccdefine{key}{value}` a line; the paper uses them as `\result{key}`."""
    said = ((key, value.translate(_QUOTES)) for key, value in pairs)
    return "".join(rf"\kccdefine{{{key}}}{{{value}}}" + "\n" for key, value in said)


def numbers(results: Results) -> Iterator[tuple[str, str]]:
    """(key, value) of a replication; keys begin with its name."""
    plan = results.plan
    yield from _settings(results)
    for (run, task, metric), cell in results.test.iterrows():
        digits = decimals(results.test.xs((task, metric), level=("task", "metric"))["mean"])
        yield f"{plan.name}.{run}.{task}.{metric}.mean", f"{cell['mean']:.{digits}f}"
        yield f"{plan.name}.{run}.{task}.{metric}.spread", f"{cell['spread']:.{digits}f}"
    for run, cost in results.costs.iterrows():
        yield f"{plan.name}.{run}.params", f"{cost['parameters'] / 1e6:.2f}"
        yield f"{plan.name}.{run}.gflops", f"{cost['flops'] / 1e9:.2f}"
        yield f"{plan.name}.{run}.latency", f"{cost['latency_ms']:.1f}"
        yield f"{plan.name}.{run}.images_per_s", f"{1000 / cost['latency_ms']:.0f}"
        if plan.runs[str(run)].role == "multi":
            yield f"{plan.name}.{run}.latency_separate", f"{cost['latency_separate_ms']:.1f}"
            for key, column in _SAVED.items():
                yield f"{plan.name}.{run}.{key}", f"{results.saved(str(run), column):.0f}"
    for (run, definition), own in results.delta.groupby(["run", "definition"]):
        unit = r"\,\%" if own["meaningful"].all() else ""
        yield f"{plan.name}.{run}.delta_m.{definition}", relative(own) + unit
    for row in results.floors.table.itertuples():
        digits = decimals(pd.Series([row.floor]))
        yield f"{plan.name}.floor.{row.task}.{row.metric}", f"{row.floor:.{digits}f}"
    for experiment in plan.experiments:
        for key, value in results.numbers(experiment).items():
            yield f"{plan.name}.{experiment}.{key}", _three_digits(value)
    yield from _sentences(results)


def _settings(results: Results) -> Iterator[tuple[str, str]]:
    plan, settings = results.plan, results.plan.settings
    yield f"{plan.name}.steps", f"{settings.steps:,}"
    if epochs := plan.epochs:
        yield f"{plan.name}.epochs", _three_digits(epochs)
    yield f"{plan.name}.batch", str(settings.batch_size)
    yield f"{plan.name}.seeds", str(plan.seeds)
    for key, value in plan.data.said.items():
        yield f"{plan.name}.{key}", value
    if encoder := settings.model.get("encoder"):
        yield f"{plan.name}.encoder", encoder_name(encoder)
    rates = [plan.settings_of(run).optimizer.lr for run in plan.runs]
    yield f"{plan.name}.lr", span(rates, "g")
    device = str(results.costs["device"].iloc[0])
    yield f"{plan.name}.device", "CPU" if device == "cpu" else device


def _sentences(results: Results) -> Iterator[tuple[str, str]]:
    plan = results.plan
    rows = list(results.claims.fillna(dict.fromkeys(("reason", *_PARTS), "")).itertuples())
    for row in rows:
        yield f"sentence.{plan.name}.claim{row.claim}", _sentence(plan, row) + "."
    sentences = [_sentence(plan, row) for row in rows if row.verdict != "undecided"]
    open_ = results.claims[results.claims["verdict"] == "undecided"].fillna({"reason": ""})
    for reason, text in _OPEN.items():
        own = open_[open_["reason"] == reason]
        if len(own):
            needed = own["seeds_needed"].fillna(0).max()
            more = f"(필요한 시드 {needed:.0f}개)" if reason == "few seeds" else ""
            sentences.append(text.format(", ".join(own["claim"])) + more)
    yield f"sentence.{plan.name}.claims", " ".join(f"{sentence}." for sentence in sentences)
    yield f"sentence.{plan.name}.verdicts", counted(results.claims["verdict"])


def _three_digits(value: float) -> str:
    """Whole from 100 on, with three digits below."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if value else "0"


def _sentence(plan: Plan, row: Any) -> str:
    """What came of a claim, and of its parts, from its row of claims.csv."""
    said = plan.replication.claims[str(row.claim)].said(row.verdict, row.reason)
    found = {column: getattr(row, column) for column in _PARTS}
    parts = " / ".join(f"{_PARTS[key]}: {_named(key, own)}" for key, own in found.items() if own)
    return f"{said}({parts})" if parts and row.verdict in ("partly", "mixed") else said


def _named(column: str, names: str) -> str:
    """The names of some parts, or their number where they are many."""
    count = names.count("; ") + 1
    return f"비교 {count}개" if count > _MOST_NAMED[column] else names


def counted(verdicts: pd.Series) -> str:
    """How many claims have which verdict, in Korean."""
    return f"주장 {len(verdicts)}개 중 {by_verdict(verdicts)}"


def by_verdict(verdicts: pd.Series) -> str:
    """How many of some claims have which verdict, as a list."""
    counts = verdicts.value_counts()
    found = [f"{word} {counts[name]}개" for name, word in VERDICTS.items() if name in counts.index]
    return ", ".join(found)
