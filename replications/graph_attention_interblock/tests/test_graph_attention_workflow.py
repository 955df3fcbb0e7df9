"""`snakemake graph_attention_interblock` on the micro study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.micro("graph_attention_interblock")


def test_every_joining_is_measured_at_every_ratio(micro_study: Callable[[str], Path]) -> None:
    results = micro_study("graph_attention_interblock")
    runs = pd.read_csv(results / "runs.csv", keep_default_na=False)
    test = runs[runs["split"] == "test"]
    assert set(test["condition"]) == {"", "snr_db=0"}
    assert {"attention", "relation", "uniform", "last"} <= set(test["run"])
    assert (results / "figure_blocks.pdf").is_file()
    claims = pd.read_csv(results / "claims.csv", dtype={"claim": str})
    assert claims["claim"].tolist() == ["1", "2", "2a", *(str(k) for k in range(3, 9))]
    apart = pd.read_csv(results / "separate" / "table.csv")
    assert set(apart["snr_db"]) == {0, 10}
    sizes = apart.groupby("snr_db")["bytes"].first()
    # No code reaches the capacity: of 512 symbols, 1 and 3.46 bits each.
    assert sizes[0] < 512 / 8
    assert sizes[0] < sizes[10] < 512 * 3.46 / 8
    # As the study itself measured what was sent together.
    usual = test[(test["run"] == "attention") & (test["condition"] == "snr_db=0")]
    for _, row in apart[apart["snr_db"] == 0].iterrows():
        own = usual[(usual["task"] == row["task"]) & (usual["metric"] == row["metric"])]
        assert own["value"].tolist() == pytest.approx([row["together"]])
    assert (results / "figure_separate.pdf").is_file()
