"""`snakemake swin_jscc_federated` on the micro study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.micro("swin_jscc_federated")


def test_clients_take_turns_and_what_they_send_is_counted(
    micro_study: Callable[[str], Path],
) -> None:
    results = micro_study("swin_jscc_federated")
    found = pd.read_csv(results / "traffic" / "table.csv").set_index("run")
    # Down and up, four bytes each, five clients, ten rounds.
    assert (found["bytes"] == found["parameters"] * 2 * 4 * 5 * 10).all()
    assert found["share"].iloc[0] == found["bytes"].iloc[0] / (320 * 28 * 28)
    costs = pd.read_csv(results / "costs.csv").set_index("run")["parameters"]
    assert costs["federated"] == costs["joint"] == found.loc["federated", "parameters"]
