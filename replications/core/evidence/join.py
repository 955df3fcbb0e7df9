"""Join the tables of the replications into the study's, and assemble what the paper inputs."""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from replications.core.errors import run_command
from replications.core.evidence.numbers import counted, definitions
from replications.core.files import replacing, write_text
from replications.core.layout import TABLES, for_paper
from replications.core.spec import Plan, Verdict, load_plan

_FACES = {
    "quick": "※ 이 원고는 CPU 두 코어에서 십여 분에 끝나는 축소(quick) 연구의 결과이다.",
    "cpu": "※ 이 원고는 CPU로 하는 축소 연구를 판정에 필요한 만큼의 시드로 반복한 결과이다.",
    "micro": "※ 작업 흐름을 시험하는 극소(micro) 연구의 결과이며 방법에 대해 말하는 바가 없다.",
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="results of the study")
    parser.add_argument("--replications", nargs="+", required=True)
    parser.add_argument("--dataset", type=Path, required=True, help="dataset.json")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    names: list[str] = arguments.replications
    plans = [load_plan(name, arguments.study) for name in names]
    for table in TABLES:
        parts = [pd.read_csv(folder / name / table) for name in names]
        with replacing(folder / table) as temporary:
            pd.concat(parts).to_csv(temporary, index=False)
    generated = folder / "generated"
    own = "".join((folder / name / "numbers.tex").read_text(encoding="utf-8") for name in names)
    dataset = json.loads(arguments.dataset.read_text(encoding="utf-8"))
    efficiency = pd.read_csv(folder / "efficiency.csv")
    claims = pd.read_csv(folder / "claims.csv")
    study = definitions(
        itertools.chain(
            study_numbers(arguments.study, plans, dataset),
            study_sentences(plans, efficiency, claims),
        )
    )
    write_text(generated / "numbers.tex", study + own)
    for file in for_paper(plans):
        if file != "numbers.tex":
            with replacing(generated / file) as temporary:
                shutil.copyfile(folder / file, temporary)


def study_numbers(
    study: str, plans: Sequence[Plan], dataset: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """(key, value) of what holds for the study as a whole."""
    yield "study.name", study
    yield "study.face", _FACES.get(study, "")
    names = [plan.name for plan in plans]
    yield "study.replications", str(sum(p.replication.part_of not in names for p in plans))
    seeds = sorted({plan.seeds for plan in plans})
    yield "study.seeds", "--".join(str(count) for count in sorted({seeds[0], seeds[-1]}))
    yield "data.height", str(dataset["native_size"][0])
    yield "data.width", str(dataset["native_size"][1])
    for split, count in dataset["splits"].items():
        yield f"data.{split}", str(count)


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


if __name__ == "__main__":
    run_command(main)
