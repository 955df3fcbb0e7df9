"""`snakemake universal_jscc` on the micro study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.micro("universal_jscc")


def test_one_modulation_is_measured_at_every_ratio(micro_study: Callable[[str], Path]) -> None:
    results = micro_study("universal_jscc")
    runs = pd.read_csv(results / "runs.csv", keep_default_na=False)
    test = runs[(runs["split"] == "test") & (runs["run"] == "only_bpsk")]
    assert set(test["condition"]) == {"", "snr_db=0"}
    costs = pd.read_csv(results / "costs.csv").set_index("run")["parameters"]
    assert costs["shared_norms"] < costs["joint"]
    assert (results / "figure_snr.pdf").is_file()
