"""`snakemake asynchronous` on the micro study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def results(micro_study: Callable[[str], Path]) -> Path:
    return micro_study("asynchronous")


def test_a_later_task_changes_nothing_for_the_first(results: Path) -> None:
    table = pd.read_csv(results / "later" / "table.csv")
    assert (table["kept"] > 10).all()
    assert (table["moved"] == 0).all()
    assert (table["change"] == 0).all()
    claims = pd.read_csv(results / "claims.csv", dtype={"claim": str}).set_index("claim")
    assert claims.loc["2", "verdict"] == "reproduced"


def test_contrast_is_trained_first_and_measured_nowhere(results: Path) -> None:
    history = pd.read_csv(results / "contrastive" / "0" / "history.csv")
    assert history["loss_contrast"].notna().tolist() == [True, True, False, False]
    assert history["loss_category"].notna().tolist() == [False, False, True, True]
    assert "contrast" not in set(pd.read_csv(results / "runs.csv")["task"])


def test_traffic_is_counted_by_hand(results: Path) -> None:
    found = pd.read_csv(results / "traffic" / "table.csv").set_index("training")["symbols"]
    assert found["together"] == 4 * 16 * 49 * 2
    assert found["anew"] == 2 * 16 * 49
    # 10 dB carry 3.459 bits; 32 of a symbol's two numbers, for 64 pictures.
    assert found["once"] == pytest.approx(64 * 49 * 32 / 3.4594, rel=1e-4)
