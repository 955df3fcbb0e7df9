"""The published tables as others read them: as a data package, and with pandas alone."""

from __future__ import annotations

import json

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from frictionless import Package

from conftest import ROOT
from replications.core.evidence.datapackage import DATA_PACKAGE, data_package

PUBLISHED = ROOT / "results" / "published"


def test_the_published_tables_are_a_valid_data_package() -> None:
    """By the library of the format, every row of every table; and described in full."""
    record = json.loads((PUBLISHED / DATA_PACKAGE).read_text(encoding="utf-8"))
    assert record == data_package(PUBLISHED)
    package = Package(str(PUBLISHED / DATA_PACKAGE))
    report = package.validate()
    assert report.valid, report.flatten(["name", "rowNumber", "fieldName", "message"])[:3]
    assert {resource.path for resource in package.resources} == {
        path.relative_to(PUBLISHED).as_posix() for path in PUBLISHED.glob("*/*.csv")
    }
    fields = {
        field["name"]: field.get("description")
        for resource in record["resources"]
        if resource["name"].endswith(("-runs", "-claims", "-delta-m", "-comparisons"))
        for field in resource["schema"]["fields"]
    }
    lacking = [name for name, meaning in fields.items() if not meaning]
    assert all(name.startswith(("p_", "se_")) for name in lacking), lacking


def test_the_notebook_draws_the_main_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs from top to bottom, imports nothing of the project, and draws what the tables say."""
    notebook = json.loads((ROOT / "results" / "reading.ipynb").read_text(encoding="utf-8"))
    code = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert all(not cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert "replications" not in "\n".join(code).replace("replication", "")
    monkeypatch.chdir(ROOT / "results")
    known: dict[str, object] = {}
    plt.close("all")
    with mpl.rc_context({"backend": "agg"}):
        for cell in code:
            exec(compile(cell, "reading.ipynb", "exec"), known)
        (figure,) = map(plt.figure, plt.get_fignums())
        panels = [axis for axis in figure.axes if axis.get_visible()]
        tables = [pd.read_csv(path) for path in sorted(PUBLISHED.glob("*/ladder.csv"))]
        drawn = [line for axis in panels for line in axis.lines if np.size(line.get_xdata()) > 2]
        plt.close(figure)
    claims = sum(table["claim"].nunique() for table in tables)
    assert len(panels) == claims > 10
    uncertainty = pd.read_csv(PUBLISHED / "uncertainty" / "ladder.csv")
    first = uncertainty[(uncertainty["claim"] == "1") & (uncertainty["part"] == 0)]["percent"]
    assert any(np.asarray(line.get_ydata()).tolist() == first.tolist() for line in drawn)
