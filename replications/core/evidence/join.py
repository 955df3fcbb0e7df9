"""Join the tables of the replications into their family's, and assemble what its paper inputs."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from replications.core.evidence.numbers import counted, definitions
from replications.core.evidence.overview import overview
from replications.core.evidence.study import Results, load_results
from replications.core.files import replacing, write_text
from replications.core.spec import DatasetOptions, Plan, Verdict, declared, origin
from replications.core.spec.layout import ORIGIN, OVERVIEW, TABLES, for_paper

_FACES = {
    "quick": "※ CPU로 십여 분에 끝나는 축소(quick) 연구로, 정확도의 주장은 판정하지 않는다.",
    "cpu": "※ CPU에서 작은 모델로 수행한 연구로, 시드와 예산은 판정에 필요한 만큼이다.",
    "micro": "※ 작업 흐름을 시험하는 극소(micro) 연구의 결과이며 방법에 대해 말하는 바가 없다.",
}


def join(plans: Sequence[Plan], folder: Path) -> None:
    """Write the family's tables and what its paper inputs into `folder`; the replications' own
    folders lie beside it."""
    results = [load_results(plan.name, plan.study, folder.parent / plan.name) for plan in plans]
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        parts = [pd.read_csv(one.folder / table) for one in results]
        with replacing(folder / table) as temporary:
            pd.concat(parts).to_csv(temporary, index=False)
    efficiency = overview(results, folder)
    claims = pd.concat([one.claims for one in results])
    own = "".join((one.folder / "numbers.tex").read_text(encoding="utf-8") for one in results)
    study = definitions(
        itertools.chain(
            study_numbers(plans),
            training_sentences(results),
            study_sentences(plans, efficiency, claims),
        )
    )
    generated = folder / "generated"
    shutil.rmtree(generated, ignore_errors=True)
    write_text(generated / "numbers.tex", study + own)
    for file in for_paper(plans):
        if file != "numbers.tex":
            source = folder if file in OVERVIEW else folder.parent
            with replacing(generated / file) as temporary:
                shutil.copyfile(source / file, temporary)
    made_from = {one.plan.name: origin.read(one.folder / ORIGIN)["origin"] for one in results}
    record: dict[str, Any] = {"study": plans[0].study, "replications": list(made_from)}
    record["origin"] = made_from | {"replications": list(made_from)}
    files = [*TABLES, "efficiency.csv", *(f"generated/{file}" for file in for_paper(plans))]
    origin.seal(folder, files, record)


def study_numbers(plans: Sequence[Plan]) -> Iterator[tuple[str, str]]:
    """(key, value) of what holds for the study as a whole, and of every dataset."""
    study = plans[0].study
    yield "study.name", study
    yield "study.face", _FACES.get(study, "")
    names = [plan.name for plan in plans]
    yield "study.replications", str(sum(p.replication.part_of not in names for p in plans))
    seeds = sorted({plan.seeds for plan in plans})
    yield "study.seeds", "--".join(str(count) for count in sorted({seeds[0], seeds[-1]}))
    for name, dataset in declared(DatasetOptions).items():
        for fact, value in dataset.facts.items():
            yield f"data.{name}.{fact}", str(value)


def training_sentences(results: Sequence[Results]) -> Iterator[tuple[str, str]]:
    """What was trained, and for how long."""
    trainings = sum(len(one.plan.runs) * one.plan.seeds for one in results)
    seconds = pd.concat([one.costs["training_s"] for one in results])
    ends = [f"{value:,.0f}" for value in (seconds.min(), seconds.max())]
    epochs = sorted(one.plan.epochs for one in results if one.plan.epochs)
    passes = [f"{value:.2g}" for value in (epochs[0], epochs[-1])] if epochs else []
    data = f"(학습 데이터 {'--'.join(passes)}회 반복) " if passes else ""
    yield (
        "sentence.study.trained",
        f"모델 {trainings:,}개를 하나에 {'--'.join(ends)}초씩 {data}학습하였다.",
    )
    passed = f", {' to '.join(passes)} passes over the training data" if passes else ""
    yield (
        "sentence.study.trained.english",
        f"We train {trainings:,} models for {' to '.join(ends)} seconds each{passed}.",
    )


def study_sentences(
    plans: Sequence[Plan], efficiency: pd.DataFrame, claims: pd.DataFrame
) -> Iterator[tuple[str, str]]:
    """What came of all claims, and of the question whether multi-task learning pays."""
    yield "sentence.study.verdicts", counted(claims["verdict"])
    found = claims["verdict"].value_counts().reindex(get_args(Verdict), fill_value=0)
    words = ", ".join(f"{count} {verdict}" for verdict, count in found.items())
    of = f"Of {len(claims)} claims" if len(claims) > 1 else "Of one claim"
    yield "sentence.study.verdicts.english", f"{of} we find {words}."
    references = [f"{plan.name}/{plan.replication.reference}" for plan in plans]
    own = efficiency[(efficiency["replication"] + "/" + efficiency["run"]).isin(references)]
    own = own[own["meaningful"]]
    better, worse = (own["low"] > 0).sum(), (own["high"] < 0).sum()
    unclear = len(own) - better - worse
    saved = own["parameters_saved"].round()
    ends = [rf"${end:.0f}$" for end in sorted({*saved.agg(["min", "max"]).dropna()})]
    yield (
        "sentence.study.answer",
        rf"대표 다중 작업 모델 {len(own)}개 중 $\Delta_m$의 95\,\% 구간이 0보다 높은 것은 "
        rf"{better}개, 낮은 것은 {worse}개, 0을 포함하는 것은 {unclear}개이고, "
        rf"매개변수의 절감은 {'--'.join(ends)}\,\%이다.",
    )
    yield (
        "sentence.study.answer.english",
        rf"The 95\,\% interval of $\Delta_m$ lies above zero for {better}, below for {worse} and "
        rf"around it for {unclear} of the multi-task models compared; parameters saved: "
        rf"{' to '.join(ends)}\,\%.",
    )
