"""`snakemake mti_net` on the micro study, from the bundled data to what the paper inputs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from replications.mti_net.figures import reported
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, archives: Path) -> Path:
    """The results of MTI-Net in a copy of the project."""
    folder = tmp_path_factory.mktemp("mti_net") / "project"
    for part in ("replications", "workflow", "config", ".dvc", "data.dvc", "paper"):
        source = ROOT / part
        ignore = shutil.ignore_patterns("__pycache__", "tmp", "main.pdf")
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            shutil.copy(source, folder / part)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(
        ["snakemake", "--cores", "2", "mti_net", "--config", "study=micro", "device=cpu"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "results" / "micro" / "mti_net"


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
