"""Overfitting and negative transfer over every domain: the study's results, and what is published
of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from replications.core.drawing import COLOURS, COLUMN, MM, save, style
from replications.core.evidence.naming import VERDICTS
from replications.core.evidence.study import Results, load_results
from replications.core.files import replacing, write_text
from replications.core.spec import Plan, origin, written

_COLUMNS = [
    *["domain", "replication", "study", "run", "reference", "tasks", "negative", "positive"],
    *["gain", "gap_single", "gap_multi"],
]


def compare_domains(
    results: Sequence[Results], published: Path, folder: Path
) -> Iterator[tuple[str, str]]:
    """Write `domains.csv`, a row per multi-task run of every replication, and of the reference runs
    a table and a figure; yields what the paper says of these, by key."""
    own = [one.plan.name for one in results]
    others = [name for name in origin.published_plans(published) if name not in own]
    every = [*results, *(load_results(published / name) for name in others)]
    every.sort(key=lambda one: one.plan.replication.order)
    rows = pd.DataFrame([row for one in every for row in _rows(one)], columns=_COLUMNS)
    with replacing(folder / "domains.csv") as temporary:
        rows.to_csv(temporary, index=False)
    reference = rows[rows["reference"]]
    write_text(folder / "table_domains.tex", table(reference, every))
    with mpl.rc_context(style()):
        save(figure(reference, every), folder / "figure_domains")
    yield from sentences(reference)
    for one in results:
        if other := one.plan.replication.again:
            first = next((known for known in every if known.plan.name == other), None)
            yield f"sentence.{one.plan.name}.again", asked_again(one, first) if first else ""


def sentences(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """What the reference runs do to overfitting, and their tasks to each other."""
    less = int((rows["gap_multi"] < rows["gap_single"]).sum())
    yield (
        "sentence.domains.overfitting",
        f"대표 다중 작업 모델 {len(rows)}개 가운데 {less}개에서 학습과 시험의 격차가 단일 작업 "
        "모델보다 작았다.",
    )
    tasks, better, worse = (int(rows[name].sum()) for name in ("tasks", "positive", "negative"))
    yield (
        "sentence.domains.transfer",
        f"그 작업 {tasks}개 가운데 95\\,\\% 구간이 0을 벗어난 이득은 {better}개, "
        f"손실(부정적 전이)은 {worse}개이다.",
    )


def asked_again(one: Results, first: Results) -> str:
    """What came of the same claims on the data of another domain, how many came out alike, and how
    many of their comparisons lie on the same side."""
    verdicts = [r.claims.set_index("claim")["verdict"] for r in (first, one)]
    both = pd.concat(verdicts, axis=1, keys=["first", "again"], join="inner")
    found = ", ".join(f"{claim}: {VERDICTS[verdict]}" for claim, verdict in both["first"].items())
    decided = both[both.ne("undecided").all(axis=1)]
    alike = int((decided["first"] == decided["again"]).sum())
    told = (
        f"두 영역에서 모두 판정된 {len(decided)}개 가운데 {alike}개의 판정이 같다."
        if len(decided)
        else "두 영역에서 모두 판정된 주장은 없다."
    )
    sides = [_sides(r, set(both.index)) for r in (first, one)]
    agree = pd.concat(sides, axis=1, join="inner").prod(axis=1)
    said = f"{first.plan.replication.domain}에서 같은 주장의 판정은 {found}이다. {told}"
    if agree.empty:
        return said
    return (
        f"{said} 두 영역에 모두 있는 비교 {len(agree)}개 가운데 95\\,\\% 신뢰구간이 두 영역에서 "
        f"0의 같은 쪽에 있는 것은 {(agree > 0).sum()}개, 반대쪽에 있는 것은 "
        f"{(agree < 0).sum()}개이다."
    )


def _sides(one: Results, claims: set[str]) -> pd.Series:
    """Of each comparison of some claims at the last budget: 1 where the interval of the difference
    is above 0, -1 where it is below, 0 where it holds 0."""
    table, place = one.comparisons, written(one.plan.axes_of(one.plan.replication.reference))
    own = table[table["claim"].isin(claims) & (table["axis"].fillna("") == place)]
    keys = [own[name].fillna("") for name in ("claim", "run", "against", "task", "metric")]
    sides = (own["low"] > 0).astype(int) - (own["high"] < 0).astype(int)
    return sides.set_axis(pd.MultiIndex.from_arrays(keys))


def _rows(one: Results) -> Iterator[dict[str, object]]:
    """Of each multi-task run: how many of its tasks gain and lose beyond the 95 % interval, the
    mean gain in percent, and the mean gap between training and test, single and multi, over its
    tasks that did not stay at their floor."""
    plan = one.plan
    for name, run in plan.runs.items():
        if run.role == "single" or run.axis or run.of:
            continue
        gains = _learned(_of(one.transfer, plan, name), one)
        if gains.empty:
            continue
        gaps = _of(one.overfitting, plan, name).set_index("task")["gap"]
        alone = [
            _of(one.overfitting, plan, plan.single_of(task, name)).set_index("task")["gap"][task]
            for task in gains["task"]
        ]
        yield {
            "domain": plan.replication.domain,
            "replication": plan.name,
            "study": plan.study,
            "run": name,
            "reference": name == plan.replication.reference,
            "tasks": len(gains),
            "negative": int((gains["transfer"] == "negative").sum()),
            "positive": int((gains["transfer"] == "positive").sum()),
            "gain": gains["gain"].mean(),
            "gap_single": float(np.mean(alone)),
            "gap_multi": gaps[gains["task"]].mean(),
        }


def _of(table: pd.DataFrame, plan: Plan, run: str) -> pd.DataFrame:
    """The rows of a run at the settings' own place on the axes."""
    place = written(plan.axes_of(run))
    return table[(table["run"] == run) & (table["axis"].fillna("") == place)]


def _learned(gains: pd.DataFrame, one: Results) -> pd.DataFrame:
    """Without tasks whose single-task run stays at its floor: a change relative to it says
    nothing."""
    kept = [
        one.floors.none_of({one.plan.single_of(task, run)}, task)
        for task, run in zip(gains["task"], gains["run"], strict=True)
    ]
    return gains[kept]


def table(rows: pd.DataFrame, results: Sequence[Results]) -> str:
    """The reference run of each replication, by domain."""
    titles = {one.plan.name: one.plan.replication.korean for one in results}
    lines = [
        r"\begin{tabular}{@{}llrrrr@{}}",
        r"\toprule",
        r" & & & & \multicolumn{2}{c}{과적합 격차 (\%)} \\",
        r"\cmidrule(l){5-6}",
        r"영역 & 시스템 & 전이 $+/-$ & 이득 (\%) & 단일 & 다중 \\",
        r"\midrule",
    ]
    before = ""
    for row in rows.itertuples():
        domain = row.domain if row.domain != before else ""
        before = row.domain
        numbers = [rf"\num{{{v:.1f}}}" for v in (row.gap_single, row.gap_multi)]
        counts = f"{row.positive}/{row.negative} ({row.tasks})"
        gain = rf"\num{{{row.gain:+.1f}}}"
        lines.append(" & ".join([domain, titles[row.replication], counts, gain, *numbers]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def figure(rows: pd.DataFrame, results: Sequence[Results]) -> Figure:
    """Of the reference run of each replication: the gain of each task against its single-task
    network, with 95 % intervals, and the gap between training and test, single and multi."""
    by_name = {one.plan.name: one for one in results}
    shown = [by_name[name] for name in rows["replication"]]
    size = (COLUMN, (14 + 8 * max(1, len(shown))) * MM)
    drawn, (left, right) = plt.subplots(1, 2, figsize=size, sharey=True, layout="constrained")
    for place, (one, row) in enumerate(zip(shown, rows.itertuples(), strict=True)):
        gains = _gains(one)
        offsets = np.linspace(-0.3, 0.3, len(gains)) if len(gains) > 1 else [0.0]
        for offset, gain in zip(offsets, gains.itertuples(), strict=True):
            colour = {"negative": COLOURS[1], "positive": COLOURS[2]}.get(gain.transfer, "0.5")
            left.plot([gain.low, gain.high], [place + offset] * 2, color=colour, lw=0.8)
            left.plot(gain.gain, place + offset, "o", color=colour, ms=2.5)
        ends = [row.gap_single, row.gap_multi]
        right.plot(ends, [place] * 2, color="0.7", lw=0.8, zorder=0)
        for value, colour, marker in zip(ends, COLOURS, "os", strict=False):
            right.plot(value, place, marker, color=colour, ms=3.5)
    left.axvline(0, color="0.6", lw=0.6, zorder=0)
    left.set_yticks(range(len(shown)), [one.plan.replication.korean for one in shown], fontsize=6.5)
    left.invert_yaxis()
    for axis, ticks in ((left, (-50, -5, 0, 5, 50)), (right, (-5, 0, 5, 50))):
        axis.set_xscale("symlog", linthresh=5)
        # As text: the Korean font has no minus sign for formulas.
        axis.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
        axis.minorticks_off()
    left.set_xlabel("작업의 이득 (%)", fontsize=7)
    right.set_xlabel("학습과 시험의 격차 (%)", fontsize=7)
    for colour, marker, label in zip(COLOURS, "os", ("단일", "다중"), strict=False):
        right.plot([], [], marker, color=colour, ms=3.5, label=label)
    right.legend(frameon=False, fontsize=6.5)
    return drawn


def _gains(one: Results) -> pd.DataFrame:
    return _learned(_of(one.transfer, one.plan, one.plan.replication.reference), one)
