"""Put the results of a replication, with their origins, where they are committed.

`results/published/` is like a study whose replications may come from several: each is published
when it is ready. A page lists what was decided.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from replications.core.errors import StudyError
from replications.core.evidence.archive import ARCHIVE, pack
from replications.core.evidence.datapackage import DATA_PACKAGE, data_package
from replications.core.evidence.naming import VERDICTS, part_names
from replications.core.evidence.overview import efficiency
from replications.core.evidence.study import load_results
from replications.core.files import replacing, write_json, write_text
from replications.core.spec import Comparison, Plan, origin
from replications.core.spec.layout import ORIGIN, figures, run_folder

PAGE = "README.md"
READMES = {"README.md": False, "README.ko.md": True}
"""The project's own pages that say what was found, and whether in Korean."""
_FOUND = re.compile(r"(<!-- found -->\n).*?(<!-- /found -->)", re.DOTALL)
_HEADS = {
    False: "| system | gain Δm, % (95 % interval) | parameters saved | claims |",
    True: "| 시스템 | 이득 Δm, % (95 % 구간) | 매개변수 절감 | 주장 |",
}
_COUNTED = {
    False: "Of {all} systems {ahead} gain, {behind} lose, and {alike}{saved} cannot be told from "
    "single-task models.",
    True: "시스템 {all}개 가운데 {ahead}개는 이득, {behind}개는 손실이고, "
    "{saved}{alike}개는 단일 작업 모델과 구별되지 않는다.",
}
_SAVED = {
    False: ", which save {} of the parameters,",
    True: "매개변수 절감이 {}인 ",
}
"""Said of those that cannot be told from single-task models."""
_FILES = ("table.csv", "numbers.json")
_PARTS = {
    "parts_for": "holds",
    "parts_against": "reversed",
    "parts_open": "open",
    "parts_lacking": "not run",
}


def publish(plan: Plan, folder: Path, output: Path) -> None:
    """Replace `output` by the tables, figures, experiments and origins of the replication in
    `folder` and what lies behind them, and write the page beside it anew."""
    record = origin.verified(folder)
    drawings = {f"{figure}.svg" for figure in figures(plan)}
    files = [file for file in record.pop("files") if file not in drawings]
    files += [f"{experiment}/{file}" for experiment in plan.experiments for file in _FILES]
    new = output.with_name(f".{output.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    for file in files:
        (new / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, new / file)
    with replacing(new / "provenance.csv") as temporary:
        rows = pd.DataFrame(origins(plan, folder))
        rows.astype({"seed": "Int64"}).to_csv(temporary, index=False)
    pack(plan, folder, new / ARCHIVE)
    origin.seal(new, [*files, "provenance.csv", ARCHIVE], record)
    shutil.rmtree(output, ignore_errors=True)
    new.rename(output)
    try:
        list_published(output.parent)
    except StudyError as error:
        print(f"published, but not listed, since another replication is in the way: {error}")


def list_published(folder: Path) -> None:
    """Write anew what tells of all that is published in a folder: the page in it, the description
    of its tables, and the place for what was found in the project's own pages."""
    write_text(folder / PAGE, page(folder))
    write_json(folder / DATA_PACKAGE, data_package(folder))
    for readme, korean in READMES.items():
        path = folder.parents[1] / readme
        if path.is_file():
            write_text(path, with_found(path.read_text(encoding="utf-8"), folder, korean))


def origins(plan: Plan, folder: Path) -> Iterator[dict[str, object]]:
    """A row per run folder and experiment: seed, source, data, versions, hardware, command."""
    runs = [run_folder(folder, plan, run, seed) for run in plan.runs for seed in plan.seed_numbers]
    for place in (*runs, *(folder / experiment for experiment in plan.experiments)):
        record = origin.read(place / ORIGIN)
        row = {key: record[key] for key in ("replication", "study", "run")}
        row |= {"role": record.get("role", "experiment"), "seed": record.get("seed")}
        row |= {"source_hash": record["source_hash"], "python": record["python"]}
        data = record.get("data", {"md5": {}})["md5"]
        row |= {f"data_{split}_md5": md5 for split, md5 in data.items()}
        row |= record["origin"]["packages"]
        row |= {key: record[key] for key in ("processor", "threads", "device")}
        yield row | {"command": " ".join(record["command"])}


def page(folder: Path) -> str:
    """What was decided, and from which budget on the decision has been the same."""
    lines = [
        "# Published results",
        "",
        "Written by `snakemake publish`; edit nothing here. A folder per replication: tables and",
        f"figures as described in [results](../{PAGE}), and `provenance.csv`, what each training",
        "was made from and by which command.",
    ]
    for name, plan in origin.published_plans(folder).items():
        claims = pd.read_csv(folder / name / "claims.csv", dtype={"claim": str})
        lines += ["", f"## {plan.replication.title}", ""]
        steps = " / ".join(f"{steps:,}" for steps in plan.budgets)
        lines += [f"Study `{plan.study}`: {plan.seeds} seeds, {steps} steps.", ""]
        lines += ["| claim | | verdict | settled from |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(_cells(plan, row))} |" for _, row in claims.iterrows()]
    return "\n".join(lines) + "\n"


def with_found(text: str, folder: Path, korean: bool) -> str:
    """A page of the project with what was found, in its place between two marks."""
    return _FOUND.sub(lambda marks: f"{marks[1]}{found(folder, korean)}{marks[2]}", text)


def found(folder: Path, korean: bool) -> str:
    """A table of what was found, by family: of each reference model the change of accuracy and the
    parameters that it saves, and how many of the claims got which verdict; and how many gain."""
    lines, family, told = [_HEADS[korean], "|---|---|---|---|"], "", []
    for name, plan in origin.published_plans(folder).items():
        one = load_results(folder / name)
        (row,) = [row for row in efficiency(one) if row["run"] == plan.replication.reference]
        ends = f" ({row['low']:.1f} … {row['high']:.1f})" if one.plan.seeds > 1 else ""
        change = f"{row['delta_m']:+.1f}{ends}"
        gain, saved = change if row["meaningful"] else "–", f"{row['parameters_saved']:z.0f} %"
        if row["meaningful"] and ends:
            told.append(row)
        counts = one.claims["verdict"].value_counts()
        verdicts = ", ".join(
            f"{VERDICTS[verdict]} {counts[verdict]}" if korean else f"{counts[verdict]} {verdict}"
            for verdict in VERDICTS
            if verdict in counts
        )
        title = plan.replication.korean if korean else plan.replication.title
        link = f"[{title}](replications/{name}/README.md)"
        if plan.replication.family != family:
            family = plan.replication.family
            lines.append(f"| **{family}** | | | |")
        lines.append(f"| {link} | {gain} | {saved} | {verdicts} |")
    counted = ["", _counted(pd.DataFrame(told), korean)] if told else []
    return "\n".join([*lines, *counted]) + "\n"


def _counted(rows: pd.DataFrame, korean: bool) -> str:
    """How many of the reference models gain, by the interval of delta_m, how many lose, and what
    the others save."""
    ahead, behind = rows["low"] > 0, rows["high"] < 0
    alike = rows.loc[~ahead & ~behind, "parameters_saved"]
    ends = dict.fromkeys(f"{end:.0f}" for end in (alike.min(), alike.max()))
    return _COUNTED[korean].format(
        all=len(rows),
        ahead=ahead.sum(),
        behind=behind.sum(),
        alike=len(alike),
        saved=_SAVED[korean].format(f"{' … '.join(ends)} %") if len(alike) else "",
    )


def _cells(plan: Plan, row: pd.Series) -> list[str]:
    verdict = str(row["verdict"])
    if verdict == "undecided" and isinstance(row["reason"], str):
        verdict += f": {row['reason']}"
    if verdict in ("partly", "mixed"):
        compared = plan.comparisons(plan.replication.claims[row["claim"]])
        names = dict(zip(part_names(plan, compared), map(_part, compared), strict=True))
        verdict += "".join(
            f"<br>{word}: {', '.join(names.get(part, part) for part in row[column].split('; '))}"
            for column, word in _PARTS.items()
            if isinstance(row.get(column), str)
        )
    settled = "" if pd.isna(row["settled_from"]) else f"{row['settled_from']:,.0f} steps"
    return [row["claim"], row["title"], verdict, settled]


def _part(comparison: Comparison) -> str:
    place = f"{comparison.task}.{comparison.metric}"
    at = f" at {comparison.condition}" if comparison.condition else ""
    return f"`{comparison.run}` against `{comparison.against}` on {place}{at}"
