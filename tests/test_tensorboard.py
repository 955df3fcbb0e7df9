"""Histories as TensorBoard reads them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard_events import write_events


def test_every_curve_of_a_history_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "quick" / "uncertainty" / "equal@steps=40" / "0"
    folder.mkdir(parents=True)
    history = pd.DataFrame(
        {"step": [1, 20, 40], "loss_depth": [3.0, 2.0, 1.5], "val_depth": [None, None, 0.25]}
    )
    history.to_csv(folder / "history.csv", index=False)
    assert write_events(tmp_path / "quick", tmp_path / "events") == 1
    events = EventAccumulator(str(tmp_path / "events" / folder.relative_to(tmp_path / "quick")))
    events.Reload()
    found = {
        tag: [(one.step, float(one.tensor_proto.float_val[0])) for one in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }
    assert found["loss_depth"] == [(1, 3.0), (20, 2.0), (40, 1.5)]
    assert found["val_depth"] == [(40, 0.25)]
    assert write_events(tmp_path / "empty", tmp_path / "events") == 0
    with pytest.raises(FileExistsError, match="not of this making"):
        write_events(tmp_path / "quick", tmp_path)
