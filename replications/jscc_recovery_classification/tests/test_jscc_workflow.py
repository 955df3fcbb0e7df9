"""`snakemake jscc_recovery_classification` on the micro study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.micro("jscc_recovery_classification")


def test_every_run_is_measured_at_every_ratio(micro_study: Callable[[str], Path]) -> None:
    results = micro_study("jscc_recovery_classification")
    runs = pd.read_csv(results / "runs.csv", keep_default_na=False)
    test = runs[runs["split"] == "test"]
    assert set(test["condition"]) == {"", "snr_db=0"}
    assert test.groupby(["run", "condition"]).ngroups == 2 * test["run"].nunique()
    table = pd.read_csv(results / "gates" / "table.csv")
    assert table["symbols"].between(1, 8).all()
    claims = pd.read_csv(results / "claims.csv", dtype={"claim": str})
    assert claims["claim"].tolist() == ["1", "2", "3", "4", "5", "6"]
    assert (results / "figure_snr.pdf").is_file()
