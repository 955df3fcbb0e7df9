"""Ways of sharing side by side."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from conftest import ROOT
from replications.core.evidence.front_figure import front, front_figure
from replications.core.evidence.study import load_results
from replications.core.evidence.values import Values
from replications.core.evidence.ways import (
    gains_at_budgets,
    transfer_figure,
    way_sentences,
    ways_latex,
    ways_table,
)

TASKS = ["semseg", "depth"]
PUBLISHED = ROOT / "results" / "published"
PAIR = ("continued_depth", "cross_stitch")


def way(number: int, title: str, saved: float, gain: float, worse: float) -> dict[str, object]:
    """A way that gains on semantics and loses so much on depth, give or take one."""
    row: dict[str, object] = {"number": number, "title": title, "parameters": 1000.0}
    row["runs"] = "single_semseg+single_depth" if number == 0 else f"run_{number}"
    changes = {"delta_m": (gain - worse) / 2, "semseg": gain, "depth": -worse}
    for name, change in changes.items():
        low, high = ("low", "high") if name == "delta_m" else (f"{name}_low", f"{name}_high")
        row |= {name: change, low: change - 1, high: change + 1}
    row |= {f"{cost}_saved": saved for cost in ("parameters", "flops", "latency_ms", "training_s")}
    return row | {"gap": 2.0, "reached": None if number == 0 else 0.5, "share": None}


TABLE = pd.DataFrame(
    [
        way(0, "단일", 0, 0, 0),
        way(1, "하드", 70, 0, 5),
        way(2, "희소", 80, 2, 4),
        way(3, "교차", 0, 6, 0),
        way(4, "나쁜", -10, 2, 2),
    ]
)


def test_the_front_by_hand() -> None:
    """Each keeps more parameters than the one before, and gains more; the others are outdone."""
    assert front(TABLE)["title"].tolist() == ["희소", "교차"]


def test_numbers_of_ways_that_are_nearly_alike_stand_apart() -> None:
    crowd = [way(number, "", 60 + number / 2, 0.2 * number, 0) for number in range(8)]
    figure = front_figure(pd.DataFrame(crowd))
    figure.savefig(io.BytesIO())
    numbers = [text for text in figure.axes[0].texts if text.get_text().isdecimal()]
    boxes = [Text.get_window_extent(number) for number in numbers]
    plt.close(figure)
    assert len(boxes) == 8
    assert all(box.count_overlaps(boxes) == 1 for box in boxes)  # its own


def test_gains_at_budgets_are_the_table_s_at_the_last() -> None:
    """Of what is published; a line whose runs lack a budget is left out, as is the first."""
    results = [load_results(PUBLISHED / name) for name in ("hard_sharing", "sluice")]
    table, gains = ways_table(results), gains_at_budgets(results)
    assert set(gains["steps"]) == {300, 600}
    last = gains[gains["steps"] == 600].set_index("number")["delta_m"]
    expected = table.set_index("number")["delta_m"]
    assert 0 < len(last) < len(expected)
    assert last.tolist() == pytest.approx(expected[last.index].tolist())
    written = pd.read_csv(PUBLISHED / "sluice" / "delta_m.csv").query(
        "run == 'sluice' and axis == 'steps=300' and definition == 'per_task_primary'"
    )
    here = (gains["steps"] == 300) & (gains["number"] == table["number"].iloc[-1])
    assert gains.loc[here, "delta_m"].item() == pytest.approx(written["value"].mean())


@pytest.mark.micro("hard_sharing")
def test_what_is_said_of_losses(micro_study: Callable[[str], Path]) -> None:
    """Of one seed nothing; of ten what the joint test of a way's tasks finds."""
    (one,) = [load_results(micro_study("hard_sharing"))]
    said = dict(way_sentences([one], TABLE))
    assert said["sentence.ways.negative"].endswith("답할 수 없다.")
    assert said["sentence.ways.front"].endswith("희소·교차이다.")
    steady = np.linspace(-0.001, 0.001, 10)
    found = {
        place: value.mean() * (1 + steady[:: -1 if place[0] == "hard" else 1])
        for place, value in one.values.found.items()
    }
    found["hard", "depth", "rmse", ""] = 1.5 * found["single_depth", "depth", "rmse", ""]
    found["hard", "semseg", "miou", ""] = found["single_semseg", "semseg", "miou", ""][::-1]
    ten = replace(one, plan=one.plan.model_copy(update={"seeds": 10}))
    ten.__dict__["values"] = Values(found, one.values.higher)
    said = dict(way_sentences([ten], TABLE))
    assert "1개 가운데 작업별로 의미 분할 0개, 깊이 1개" in said["sentence.ways.negative"]
    assert "인정되지 않은 방식은 없다" in said["sentence.ways.negative"]


def test_the_table_marks_gains_and_losses() -> None:
    lines = ways_latex(TABLE, TASKS).splitlines()
    (sparse,) = [line for line in lines if "희소" in line]
    assert r"\textbf{\num{+2.0}}" in sparse
    assert r"\num{-4.0}$^{\ddagger}$" in sparse
    (stitched,) = [line for line in lines if "교차" in line]
    assert r"\num{-0.0}" not in stitched
    columns = {line.count("&") - line.count(r"\&") for line in lines if line.startswith(("1", "2"))}
    assert len(columns) == 1


@pytest.mark.micro("hard_sharing", "cross_stitch")
def test_runs_of_another_are_trained_once(micro_study: Callable[[str], Path]) -> None:
    """Those of hard sharing, in its folder. Their values stand in the tables of cross-stitch
    networks, and their training is part of what these cost."""
    folder = micro_study("cross_stitch")
    other = folder.with_name("hard_sharing")
    assert not list(folder.glob("single_*"))
    runs = pd.read_csv(folder / "runs.csv")
    assert set(runs["replication"]) == {"cross_stitch"}
    own = runs[(runs["run"] == "single_depth") & (runs["split"] == "test")]
    metrics = json.loads((other / "single_depth/0/metrics.json").read_text())["test"]["depth"]
    found = dict(zip(own["metric"], own["value"], strict=True))
    assert found == {name: pytest.approx(metric["value"]) for name, metric in metrics.items()}
    behind = [
        json.loads((other / f"single_{task}/0/cost.json").read_text())["own_training_s"]
        for task in ("semseg", "depth")
    ]
    cost = json.loads((folder / "cross_stitch/0/cost.json").read_text())
    assert cost["training_s"] == pytest.approx(cost["own_training_s"] + sum(behind))


@pytest.mark.micro("hard_sharing", "cross_stitch")
def test_gains_are_those_of_delta_m(micro_study: Callable[[str], Path]) -> None:
    """Joined networks are compared with single-task runs that were trained on, as they were."""
    found = [load_results(micro_study(name)) for name in ("hard_sharing", "cross_stitch")]
    table = ways_table(found).set_index("runs")
    assert table.index[:2].tolist() == [f"{a}_semseg+{a}_depth" for a in ("single", "continued")]
    assert table["delta_m"].iloc[0] == 0
    hard, stitched = found
    delta = hard.delta[(hard.delta["definition"] == "per_task_primary")]
    own = delta.loc[delta["run"] == "hard", "value"]
    assert table.loc["hard", "delta_m"] == pytest.approx(own.mean())
    single, joined = (stitched.test.loc[(run, "depth", "rmse"), "mean"] for run in PAIR)
    gain = 100 * (single - joined) / single
    assert table.loc["cross_stitch", "depth"] == pytest.approx(gain)
    for one, run in zip(found, ("hard", "cross_stitch"), strict=True):
        assert table.loc[run, "parameters"] == one.costs.loc[run, "parameters"]
    (axis,) = transfer_figure(found).axes
    titles = [one.plan.replication.korean for one in found]
    assert [label.get_text() for label in axis.get_yticklabels()] == titles
