"""Overfitting and transfer over all domains, from what is published."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from conftest import ROOT
from replications.core.evidence.domains import asked_again, compare_domains
from replications.core.evidence.study import Results, load_results

PUBLISHED = ROOT / "results" / "published"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, dict[str, str], Path]:
    """The rows, what is said of them, and the folder: QM9's own results, and those of others."""
    folder = tmp_path_factory.mktemp("domains")
    own = load_results(PUBLISHED / "nash_qm9")
    said = dict(compare_domains([own], PUBLISHED, folder))
    return pd.read_csv(folder / "domains.csv"), said, folder


def test_every_domain_has_rows(compared: tuple[pd.DataFrame, dict[str, str], Path]) -> None:
    rows, _, folder = compared
    assert set(rows["domain"]) >= {"거리 영상", "분자"}
    assert rows[["replication", "run"]].duplicated().sum() == 0
    assert rows.groupby("replication")["reference"].sum().eq(1).all()
    table = (folder / "table_domains.tex").read_text(encoding="utf-8")
    assert table.count(r"\\") == 2 + rows["reference"].sum()
    assert (folder / "figure_domains.pdf").is_file()


def test_a_row_is_the_mean_over_tasks(compared: tuple[pd.DataFrame, dict[str, str], Path]) -> None:
    rows, _, _ = compared
    row = rows[(rows["replication"] == "nash_mtl") & rows["reference"]].squeeze()
    one = load_results(PUBLISHED / "nash_mtl")
    transfer = one.transfer[(one.transfer["run"] == "nash")]
    last = transfer[transfer["axis"].str.contains("steps=800,train_fraction=1$")]
    last = last[last["axis"].str.contains("width=16")] if "width" in last["axis"].iloc[0] else last
    assert row["tasks"] == len(last) == 3
    assert row["gain"] == pytest.approx(last["gain"].mean())
    assert row["negative"] == (last["transfer"] == "negative").sum()
    gaps = one.overfitting.merge(last[["run", "axis", "task"]])["gap"]
    assert row["gap_multi"] == pytest.approx(gaps.mean())
    singles = [f"single_{task}" for task in last["task"]]
    own = one.overfitting[one.overfitting["run"].isin(singles)]
    own = own[own["axis"] == last["axis"].iloc[0]]
    assert row["gap_single"] == pytest.approx(own["gap"].mean())


def test_what_is_said_counts_the_rows(
    compared: tuple[pd.DataFrame, dict[str, str], Path],
) -> None:
    rows, said, _ = compared
    own = rows[rows["reference"]]
    less = (own["gap_multi"] < own["gap_single"]).sum()
    assert f"모델 {len(own)}개 가운데 {less}개에서" in said["sentence.domains.overfitting"]
    assert f"작업 {own['tasks'].sum()}개 가운데" in said["sentence.domains.transfer"]


def test_claims_asked_again_are_counted_where_both_are_decided() -> None:
    first = load_results(PUBLISHED / "caruana")
    decided = ["reproduced", "contradicted", "reproduced"]
    one = _with_verdicts(first, decided)
    assert asked_again(one, one).startswith(
        f"{first.plan.replication.domain}에서 같은 주장의 판정은 1: 재현, 2: 반박, 3: 재현이다. "
        "두 영역에서 모두 판정된 3개 가운데 3개의 판정이 같다. "
    )
    other = _with_verdicts(first, ["contradicted", "undecided", "partly"])
    said = asked_again(one, other)
    assert "1: 반박, 2: 판정 불가, 3: 부분 재현이다. 두 영역에서 모두 판정된 2개 가운데 0개" in said
    open_ = _with_verdicts(first, ["undecided"] * 3)
    assert "두 영역에서 모두 판정된 주장은 없다." in asked_again(open_, other)


def test_comparisons_asked_again_are_counted_by_their_side() -> None:
    first = _with_verdicts(load_results(PUBLISHED / "caruana"), ["undecided"] * 3)
    last = first.comparisons[
        first.comparisons["axis"] == "model.hidden=64,steps=2000,train_fraction=1"
    ]
    last = last[last["claim"].isin(["1", "2", "3"])]
    apart = ((last["low"] > 0) | (last["high"] < 0)).sum()
    assert apart > 0
    counts = f"비교 {len(last)}개 가운데 .*같은 쪽에 있는 것은 {apart}개, 반대쪽에 있는 것은 0개"
    assert re.search(counts, asked_again(first, first))
    ends = {"low": -first.comparisons["high"], "high": -first.comparisons["low"]}
    turned = replace(first, comparisons=first.comparisons.assign(**ends))
    counts = f"같은 쪽에 있는 것은 0개, 반대쪽에 있는 것은 {apart}개"
    assert re.search(counts, asked_again(turned, first))
    unclear = replace(first, comparisons=first.comparisons.assign(low=-1.0, high=1.0))
    assert "같은 쪽에 있는 것은 0개, 반대쪽에 있는 것은 0개" in asked_again(unclear, first)


def test_the_paper_is_told_what_was_asked_again(tmp_path: Path) -> None:
    """Whether what was asked first is published, or not yet."""
    own = load_results(PUBLISHED / "nash_qm9")
    replication = own.plan.replication.model_copy(update={"again": "nash_mtl"})
    own = replace(own, plan=own.plan.model_copy(update={"replication": replication}))
    said = dict(compare_domains([own], PUBLISHED, tmp_path))["sentence.nash_qm9.again"]
    assert said == asked_again(own, load_results(PUBLISHED / "nash_mtl"))
    said = dict(compare_domains([own], tmp_path / "none", tmp_path))["sentence.nash_qm9.again"]
    assert said == ""


def _with_verdicts(results: Results, verdicts: list[str]) -> Results:
    """With claims 1, 2 and 3 alone, of these verdicts."""
    kept = results.claims[results.claims["claim"].isin(["1", "2", "3"])]
    return replace(results, claims=kept.assign(verdict=verdicts))
