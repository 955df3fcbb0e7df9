"""`snakemake iaq` on the micro study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.micro("iaq")


def test_pictures_are_sent_in_every_way_after_one_training(
    micro_study: Callable[[str], Path],
) -> None:
    results = micro_study("iaq")
    runs = pd.read_csv(results / "runs.csv", keep_default_na=False)
    assert set(runs[runs["split"] == "test"]["condition"]) == {"", "bits=2", "snr_db=2"}
    weights = {(results / run / "0" / "model.pt").read_bytes() for run in ("joint", "mask")}
    assert len(weights) == 1
    assert (results / "figure_bits.pdf").is_file()
    assert (results / "figure_snr.pdf").is_file()
