"""`snakemake mask_rcnn` on the micro study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.micro("mask_rcnn")


def test_masks_are_measured_where_they_are_learned(micro_study: Callable[[str], Path]) -> None:
    results = micro_study("mask_rcnn")
    runs = pd.read_csv(results / "runs.csv")
    test = runs[runs["split"] == "test"].groupby("run")["metric"].agg(set)
    assert test["mask_rcnn"] - test["faster_rcnn"] == {"mask_ap"}
    # Which is nothing that the two can be compared by.
    compared = pd.read_csv(results / "comparisons.csv")
    assert set(compared["metric"]) == {"ap", "ap_small", "ap_large"}
    assert pd.read_csv(results / "claims.csv")["claim"].tolist() == ["1", "1s", "1l"]
