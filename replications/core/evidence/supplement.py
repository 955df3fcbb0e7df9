"""The supplement's chapter on one replication: every run, seed, setting and origin, in LaTeX."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from replications.core.evidence.delta_m import DEFINITIONS
from replications.core.evidence.reported import disagreements, recomputed
from replications.core.evidence.statistics import interval
from replications.core.evidence.study import Results
from replications.core.evidence.verdicts import PARTS
from replications.core.spec import AT_END, RATE
from replications.core.spec.layout import figures

_CAPTIONS = {
    "examples": "예측 예 (첫 번째 시드)",
    "delta_m": "$\\Delta_m$의 세 정의; 점은 시드, 막대는 평균",
    "curves": "최종 예측의 학습 손실; 선은 시드 평균, 띠는 시드의 범위",
    "ladder": "예산에 따른 차이: 주장마다 한 칸, 비교마다 한 선, 띠는 95\\,\\% 구간",
    "axes": "축과 조건에 따른 대표 지표; 띠는 95\\,\\% 구간",
}


_TUNING = "학습률의 선택: 따로 둔 시드의 검증 지표와 고른 값(* 격자의 끝)"
_COMPARED = ["claim", "run", "against", "task", "metric", "difference"]
_SOURCES = (
    "불확실성의 출처: 시드와 시험 표본의 표준 오차, 둘을 합한 95\\,\\% 구간, 더 큰 쪽 "
    "(시험 표본은 함께 찍힌 것끼리 묶어 다시 뽑음)"
)


def chapter(results: Results) -> str:
    """Sections and long tables; the paper's supplement inputs one such file per replication."""
    plan = results.plan
    parts = [rf"\section{{{plan.replication.korean} \quad {plan.replication.title}}}"]
    for title, table in _tables(results):
        if len(table):
            parts.append(rf"\tablesection{{{title}}}" + "\n" + _longtable(table))
    parts.append(r"\subsection*{그림}")
    for figure in figures(plan):
        name = figure.removeprefix("figure_")
        file = f"generated/{plan.name}/{figure}.pdf"
        caption = (_CAPTIONS | plan.replication.figures)[name]
        parts.append(rf"\resultfigure{{{caption}}}{{{file}}}")
    return "\n".join(parts)


def _tables(results: Results) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "설정", _settings(results)
    yield "실행", _runs(results)
    if results.plan.tuning:
        yield _TUNING, _tuning(results.plan.tuning)
    claims = results.claims.drop(columns="replication")
    parts = list(PARTS)
    yield "주장과 판정", claims.drop(columns=parts)
    yield "주장의 부분", claims[claims[parts].fillna("").any(axis=1)][["claim", *parts]]
    yield "바닥: 입력을 보지 않는 예측의 값과 그것을 넘지 못한 실행", _used(results.floors.table)
    sources = ["se_seeds", "se_samples", "low_both", "high_both", "dominant"]
    compared = _used(results.comparisons)
    yield "비교 (차이는 주장에 유리한 쪽이 양수, 95\\,\\% 구간)", compared.drop(columns=sources)
    yield _SOURCES, compared[[*_COMPARED, *sources]].dropna(subset="se_seeds")
    yield "실험에서 잰 값", _experiments(results)
    yield "측정값 (시험, 시드 평균과 95\\,\\% 구간)과 원 논문의 보고값", _measured(results)
    yield "$\\Delta_m$의 세 정의 (95\\,\\% 구간; per\\_metric만 음수가 이득)", _delta_m(results)
    yield "원 논문의 보고값에서 다시 계산한 $\\Delta_m$", _recomputed(results)
    yield "비용 (시드의 중앙값)", results.costs.reset_index()
    yield "단일 작업 모델의 최종 검증값에 이르기까지의 단계와 시간", _used(results.reaching)
    yield "작업 사이의 전이 (\\%)", _used(results.transfer)
    yield "과적합: 학습과 시험의 차이 (\\%)", _used(results.overfitting)
    yield "시드별 값 (시험)", _by_seed(results)
    yield "출처", _origins(results)


def _used(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the replication, and without columns of which it makes no use."""
    unused = [
        column
        for column in ("axis", "condition", "slope", "margin", "beyond", "relative")
        if column in table and (table[column].isna() | table[column].isin(["", 0, False])).all()
    ]
    return table.drop(columns=["replication", *unused])


def _longtable(table: pd.DataFrame) -> str:
    """Booktabs, broken over pages; numbers with four digits; small where there are many columns."""
    small = len(table.columns) > 7
    latex: str = table.to_latex(
        index=False,
        escape=True,
        longtable=True,
        na_rep="",
        float_format=lambda v: f"{v:.4g}",
        column_format="".join(_column(table[name], 45 if small else 80) for name in table),
    )
    return rf"{{\manycolumns {latex}}}" if small else latex


def _column(values: pd.Series, width: int) -> str:
    """Numbers to the right; text to the left, broken at `width` mm where it is long."""
    if pd.api.types.is_numeric_dtype(values):
        return "r"
    if values.astype(str).str.len().max() > 45:
        return rf">{{\raggedright\arraybackslash}}p{{{width}mm}}"
    return "l"


def _settings(results: Results) -> pd.DataFrame:
    plan = results.plan
    flat = {"study": plan.study, "seeds": plan.seeds}
    flat |= dict(_flattened(plan.settings.model_dump(mode="json", exclude_defaults=True)))
    return pd.DataFrame({"key": flat.keys(), "value": [str(value) for value in flat.values()]})


def _flattened(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _runs(results: Results) -> pd.DataFrame:
    rows = []
    for name, run in results.plan.runs.items():
        chosen = run.model_dump(
            mode="json", exclude_defaults=True, exclude={"tasks", "title", "over"}
        )
        if run.role == "multi":
            chosen["weighting"] = {"name": run.weighting.name} | chosen.get("weighting", {})
        changes = "; ".join(f"{key} = {value}" for key, value in _flattened(chosen))
        rows.append((name, run.title, ", ".join(run.tasks), changes))
    return pd.DataFrame(rows, columns=["run", "title", "tasks", "weighting and changes"])


def _experiments(results: Results) -> pd.DataFrame:
    rows = [
        (experiment, number, value)
        for experiment in results.plan.experiments
        for number, value in results.numbers(experiment).items()
    ]
    return pd.DataFrame(rows, columns=["experiment", "number", "value"])


def _measured(results: Results) -> pd.DataFrame:
    """Mean, spread, interval; and what the paper reports for the run."""
    key = ["run", "task", "metric"]
    table = results.test.reset_index()[[*key, "unit", "mean", "spread", "low", "high"]]
    reported = results.reported[[*key, "dataset", "value"]].rename(columns={"value": "reported"})
    return table.merge(reported.drop_duplicates(key), on=key, how="left").fillna({"dataset": ""})


def _tuning(path: Path) -> pd.DataFrame:
    """The headline metric of every run and task on the validation split, a column per rate."""
    table = pd.read_csv(path, comment="#")
    table["metric"] = table["task"] + "." + table["metric"]
    columns = table.pivot_table("value", ["run", "metric"], RATE, sort=False).sort_index(axis=1)
    chosen = table.dropna(subset="chosen").groupby("run").agg({RATE: "first", "chosen": "first"})
    shown = {
        run: f"{row[RATE]:g}" + ("*" if row["chosen"] == AT_END else "")
        for run, row in chosen.iterrows()
    }
    result = columns.rename(columns=lambda rate: f"{rate:g}").reset_index()
    return result.assign(chosen=result["run"].map(shown))


def _delta_m(results: Results) -> pd.DataFrame:
    """A row per run and definition; marked where the definitions differ in sign."""
    grouped = results.delta.groupby(["run", "definition"], sort=False)["value"]
    table = grouped.agg(["mean", "std"]).reset_index()
    bounds = [interval(list(values)) for _, values in grouped]
    table[["low", "high"]] = pd.DataFrame(bounds, table.index, ["low", "high"])
    table["gain is"] = table["definition"].map(lambda d: "above 0" if DEFINITIONS[d] else "below 0")
    sound = results.delta.groupby(["run", "definition"], sort=False)["meaningful"].all()
    table["meaningful"] = sound.map({True: "", False: "no"}).to_numpy()
    differ = disagreements(table, "mean", ["run"])
    return table.assign(signs=table["run"].map(differ.map({True: "differ", False: ""})))


def _recomputed(results: Results) -> pd.DataFrame:
    direction = results.test["higher_is_better"].groupby(level=["task", "metric"]).first()
    table = recomputed(results.plan.replication, results.reported, direction)
    differ = disagreements(table, "recomputed", ["dataset", "method"])
    pairs = pd.MultiIndex.from_frame(table[["dataset", "method"]])
    marks = differ.map({True: "differ", False: ""}).reindex(pairs)
    return table.assign(signs=marks.to_numpy())


def _by_seed(results: Results) -> pd.DataFrame:
    """Headline metrics, a column per seed."""
    runs = results.runs[(results.runs["split"] == "test") & (results.runs["condition"] == "")]
    chosen = runs[runs["metric"] == runs["task"].map(results.plan.replication.headline)]
    table = chosen.pivot(index=["run", "task", "metric"], columns="seed", values="value")
    return table.reset_index()


def _origins(results: Results) -> pd.DataFrame:
    """Where the run folders come from: the seeds of a run that share device, source and data."""
    rows = []
    for run in results.plan.runs:
        for seed in results.plan.seed_numbers:
            path = results.run_folder(run, seed) / "provenance.json"
            origin = json.loads(path.read_text(encoding="utf-8"))
            data = "-".join(md5[:6] for md5 in origin["data"]["md5"].values())
            rows.append((run, str(seed), origin["device"], origin["source_hash"], data))
    table = pd.DataFrame(rows, columns=["run", "seeds", "device", "source", "data"])
    same = ["run", "device", "source", "data"]
    return table.groupby(same, sort=False)["seeds"].agg(" ".join).reset_index()
