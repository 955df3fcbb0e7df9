"""`snakemake caruana` on the micro study, from the package to what the paper inputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.micro("caruana")


@pytest.fixture(scope="module")
def results(micro_study: Callable[[str], Path]) -> Path:
    """The results of the replication."""
    return micro_study("caruana")


def test_shuffled_tasks_train_and_are_not_measured(results: Path) -> None:
    runs = pd.read_csv(results / "runs.csv")
    test = runs[(runs["split"] == "test") & runs["axis"].isna()]
    of_run = test.groupby("run")["task"].agg(set).to_dict()
    assert of_run["shuffled"] == {"income"}
    assert of_run["ple"] == {"income", "never_married", "college"}
    history = pd.read_csv(results / "shuffled" / "0" / "history.csv")
    assert {"loss_college_shuffled", "loss_never_married_shuffled"} <= set(history)


def test_experiments_are_made_from_every_share(results: Path) -> None:
    table = pd.read_csv(results / "amplification" / "table.csv")
    assert table["train_fraction"].tolist() == [0.5, 1.0]
    for column, run in (("single", "single_income"), ("joint", "related")):
        path = results / f"{run}@train_fraction=0.5" / "0" / "metrics.json"
        metrics = json.loads(path.read_text(encoding="utf-8"))
        assert table[column][0] == metrics["test"]["income"]["auc"]["value"]
    assert (results / "figure_amplification.pdf").is_file()
    assert len(pd.read_csv(results / "poor_features" / "table.csv")) == 18


def test_claims_are_all_decided_on(results: Path) -> None:
    claims = pd.read_csv(results / "claims.csv")
    assert claims["claim"].astype(str).tolist() == ["1", "2", "3", "4", "5", "5g", "6", "7", "L"]
