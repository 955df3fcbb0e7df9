"""Join the tables of the replications into their family's, and assemble what its paper inputs."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from replications.core.evidence.answers import study_sentences, training_sentences
from replications.core.evidence.domains import compare_domains
from replications.core.evidence.naming import span
from replications.core.evidence.numbers import definitions
from replications.core.evidence.overview import overview, published_delta
from replications.core.evidence.study import load_results
from replications.core.evidence.ways import compare_ways
from replications.core.files import replacing, write_text
from replications.core.spec import (
    DatasetOptions,
    Plan,
    declared,
    load_plan,
    origin,
    tuning_study,
)
from replications.core.spec.layout import (
    ORIGIN,
    TABLES,
    are_alike,
    for_paper,
    of_family,
    several_domains,
)

_FACES = {
    "quick": "※ CPU로 십여 분에 끝나는 축소(quick) 연구로, 정확도의 주장은 판정하지 않는다.",
    "cpu": "※ CPU에서 작은 모델을 짧게 학습한 연구로, 더 학습하면 달라질 수 있는 판정은 보류한다.",
    "micro": "※ 워크플로를 시험하는 극소(micro) 연구의 결과이며 방법의 우열과는 무관하다.",
}

_TUNED = (
    "학습률은 보고에 쓰지 않는 시드 {}개로 {}단계씩 학습한 모델의 검증 지표로 실행마다 같은 "
    "격자에서 한 번 골라 모든 예산에 쓰고, 구조나 설정만 다른 변형은 바탕이 된 실행의 것을 쓴다"
    "(부록에 격자의 끝에서 고른 것을 표시)."
)
_BESIDE = "공표 연구는 저장소에 공표한 다른 규모의 연구이다."
_NOT_TUNED = "학습률은 미리 정한 값이다."


def join(names: Sequence[str], sources: Path, folder: Path) -> None:
    """Write the family's tables and what its paper inputs into `folder`; in `sources` lie the
    folders of its replications, which may be of several studies, beside it the published ones."""
    results = [load_results(sources / name) for name in names]
    plans = [one.plan for one in results]
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        parts = [pd.read_csv(one.folder / table) for one in results]
        with replacing(folder / table) as temporary:
            pd.concat(parts).to_csv(temporary, index=False)
    published = sources.with_name("published")
    beside = {plan.name: published_delta(plan, published) for plan in plans}
    efficiency = overview(results, folder, beside)
    own = "".join((one.folder / "numbers.tex").read_text(encoding="utf-8") for one in results)
    study = definitions(
        itertools.chain(
            study_numbers(plans),
            [("sentence.study.beside", _BESIDE if any(beside.values()) else "")],
            training_sentences(results),
            study_sentences(results, efficiency),
            compare_ways(results, folder) if are_alike(plans) else [],
            compare_domains(results, published, folder) if several_domains(plans) else [],
        )
    )
    generated = folder / "generated"
    shutil.rmtree(generated, ignore_errors=True)
    write_text(generated / "numbers.tex", study + own)
    for file in for_paper(plans):
        if file != "numbers.tex":
            source = folder if file in of_family(plans) else sources
            with replacing(generated / file) as temporary:
                shutil.copyfile(source / file, temporary)
    made_from = {one.plan.name: origin.read(one.folder / ORIGIN)["origin"] for one in results}
    record: dict[str, Any] = {"study": _studies(plans), "replications": list(made_from)}
    record["origin"] = origin.of_joined(made_from)
    ways = ["ways.csv"] if are_alike(plans) else []
    ways += ["domains.csv"] if several_domains(plans) else []
    files = [*TABLES, "efficiency.csv", *ways, *(f"generated/{file}" for file in for_paper(plans))]
    origin.seal(folder, files, record)


def _studies(plans: Sequence[Plan]) -> str:
    """The study, or the studies, that the plans are of."""
    return ", ".join(dict.fromkeys(plan.study for plan in plans))


def study_numbers(plans: Sequence[Plan]) -> Iterator[tuple[str, str]]:
    """(key, value) of what holds for the study as a whole, and of every dataset."""
    study = _studies(plans)
    yield "study.name", study
    faces = [_FACES[name] for name in study.split(", ") if name in _FACES]
    yield "study.face", " ".join(faces)
    names = [plan.name for plan in plans]
    yield "study.replications", str(sum(p.replication.part_of not in names for p in plans))
    yield "sentence.study.tuning", _tuning(plans)
    yield "study.seeds", span((plan.seeds for plan in plans), ",")
    for name, dataset in declared(DatasetOptions).items():
        for fact, value in dataset.facts.items():
            yield f"data.{name}.{fact}", str(value)


def _tuning(plans: Sequence[Plan]) -> str:
    if not all(plan.tuned for plan in plans):
        return _NOT_TUNED
    chosen = [load_plan(plan.name, tuning_study(plan.tuned)) for plan in plans]
    seeds, steps = [plan.seeds for plan in chosen], [plan.settings.steps for plan in chosen]
    return _TUNED.format(span(seeds, ","), span(steps, ","))
