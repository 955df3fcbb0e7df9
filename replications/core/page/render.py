"""From results to one HTML file that needs nothing else, neither files nor a network."""

from __future__ import annotations

import base64
import importlib.resources
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from replications.core.evidence.study import Results
from replications.core.files import write_text
from replications.core.page.content import cost_rows, replication_view, value_rows
from replications.core.page.gains import plane_plot
from replications.core.page.plots import Plot

_HERE = Path(__file__).parent


def write_page(results: Sequence[Results], path: Path, papers: Sequence[Path]) -> None:
    """Write the page on the results of several replications; `papers`: PDFs that it links to."""
    plots: dict[str, Plot] = {"plane": plane_plot(results)}
    sections = [replication_view(one, plots) for one in results]
    data = {
        "plots": plots,
        "values": [row for one in results for row in value_rows(one)],
        "costs": [row for one in results for row in cost_rows(one)],
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    text = environment.get_template("page.html.j2").render(
        sections=sections,
        papers=_links(papers, path.parent),
        style=_text("page.css"),
        script=_text("page.js"),
        plotly=_packaged("plotly", "package_data/plotly.min.js"),
        tables=base64.b64encode(_packaged("itables", "html/dt_bundle.js").encode()).decode(),
        tables_style=_packaged("itables", "html/dt_bundle.css"),
        data=_json(data),
        inf=math.inf,
    )
    write_text(path, text)


def _links(papers: Sequence[Path], folder: Path) -> Mapping[str, str]:
    there = [paper for paper in papers if paper.is_file()]
    return {paper.stem: Path(os.path.relpath(paper, folder)).as_posix() for paper in there}


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _packaged(package: str, name: str) -> str:
    """A script or style sheet that a package brings along, without what would end its element."""
    text = importlib.resources.files(package).joinpath(name).read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script").replace("</style", "<\\/style")


def _json(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("</", "<\\/")
