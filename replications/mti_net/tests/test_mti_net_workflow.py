"""`snakemake mti_net` on the micro study, from the bundled data to what the paper inputs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from conftest import ROOT
from replications.mti_net.figures import reported

pytestmark = pytest.mark.micro("mti_net")


@pytest.fixture(scope="module")
def results(micro_study: Callable[[str], Path]) -> Path:
    """The results of MTI-Net."""
    return micro_study("mti_net")


def test_auxiliary_tasks_are_trained_and_not_measured(results: Path) -> None:
    runs = pd.read_csv(results / "runs.csv")
    own = runs[runs["run"] == "mti_net_edges_normals"]
    assert set(own["task"]) == {"semseg", "depth"}
    history = pd.read_csv(results / "mti_net_edges_normals" / "0" / "history.csv")
    assert {"loss_edges", "loss_normals"} <= set(history.columns)
    assert not [name for name in history.columns if name.startswith("val_edges")]
    delta = pd.read_csv(results / "delta_m.csv")
    assert "mti_net_edges_normals" in set(delta["run"])


def test_costs_compare_with_the_single_task_networks(results: Path) -> None:
    costs = pd.read_csv(results / "costs.csv").set_index(["run", "seed"])
    # The plain networks share the backbone, the others compute more than they.
    flops = costs.xs(0, level="seed")["flops"]
    assert flops["joint"] < flops["single_semseg"] + flops["single_depth"]
    assert flops["joint"] < flops["mti_net"] < flops["mti_net_edges_normals"]
    multi = costs.drop(index=[run for run in flops.index if run.startswith("single")], level="run")
    assert (multi["latency_separate_ms"] > 0).all()
    cost = json.loads((results / "mti_net" / "0" / "cost.json").read_text(encoding="utf-8"))
    assert cost["latency_separate_ms"] != cost["latency_ms"]["median"]


def test_costs_at_the_papers_size_are_numbers_of_the_paper(results: Path) -> None:
    numbers = (results / "numbers.tex").read_text(encoding="utf-8")
    for key in ("params_saved", "flops_saved"):
        assert f"mti_net.costs.mti_net_{key}}}" in numbers
    claims = pd.read_csv(results / "claims.csv", dtype={"claim": str}).set_index("claim")
    assert list(claims.index) == ["1", "2", "3", "4", "5", "5p", "F", "L"]
    assert claims.loc["5p", "verdict"] != "undecided"


def test_the_table_shows_reported_beside_measured(results: Path) -> None:
    table = (results / "table_results.tex").read_text(encoding="utf-8")
    row = next(line for line in table.splitlines() if line.startswith("MTI-Net &"))
    assert r"\num{35.12}" in row
    assert r"\num{0.62}" in row


def test_figures_are_drawn(results: Path) -> None:
    for name in ("examples", "plane"):
        assert (results / f"figure_{name}.pdf").read_bytes().startswith(b"%PDF")
    points = reported(pd.read_csv(ROOT / "replications" / "mti_net" / "reported.csv"))
    assert points.loc["pad_net"].tolist() == [204.0, -0.02]
    assert set(points.index) == {"joint", "pad_net", "mti_net"}


def test_one_seed_makes_a_page(results: Path, tmp_path: Path) -> None:
    """Where there is no spread over seeds none is shown."""
    project, page = results.parents[2], tmp_path / "index.html"
    command = [sys.executable, "-m", "replications.core.page", "--sources", "results/micro"]
    command += ["--replications", "mti_net", "--output", str(page)]
    subprocess.run(command, cwd=project, check=True)
    text = page.read_text(encoding="utf-8")
    shown, _, data = text.partition('<script type="application/json" id="data">')
    assert "mti_net-2" in json.loads(data.partition("</script>")[0])["plots"]
    body = shown.partition("</header>")[2]
    assert not re.search(r"\b(nan|inf)\b", body)
    assert "Too few seeds to decide any claim on accuracy." in body
