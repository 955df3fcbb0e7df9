"""`snakemake unit` on the micro study, from archives and a package to what the paper inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.micro("unit")


def test_tasks_of_pictures_and_of_texts(micro_study: Callable[[str], Path]) -> None:
    results = micro_study("unit")
    runs = pd.read_csv(results / "runs.csv")
    test = runs[runs["split"] == "test"].groupby("run")["task"].agg(set).to_dict()
    assert test["shared"] == test["separate"] == {"objects", "scene", "sentiment"}
    history = pd.read_csv(results / "alternating" / "0" / "history.csv").set_index("step")
    pictures, texts = (history[f"loss_{task}"].dropna().index for task in ("scene", "sentiment"))
    assert not set(pictures) & set(texts)
    costs = pd.read_csv(results / "costs.csv").set_index("run")["parameters"]
    assert costs["shared"] < costs["separate"]
    assert pd.read_csv(results / "claims.csv")["claim"].tolist() == [1, 2, 3, 4]
