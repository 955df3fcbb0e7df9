"""`snakemake graph_attention_interblock` on the micro study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd


def test_every_joining_is_measured_at_every_ratio(micro_study: Callable[[str], Path]) -> None:
    results = micro_study("graph_attention_interblock")
    runs = pd.read_csv(results / "runs.csv", keep_default_na=False)
    test = runs[runs["split"] == "test"]
    assert set(test["condition"]) == {"", "snr_db=0"}
    assert {"attention", "uniform", "last"} <= set(test["run"])
    assert (results / "figure_blocks.pdf").is_file()
    claims = pd.read_csv(results / "claims.csv", dtype={"claim": str})
    assert claims["claim"].tolist() == ["1", "2", "3", "4"]
