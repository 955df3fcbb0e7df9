"""What the files between the stages are called.

A study lies in `results/<study>/`: a folder per replication with run folders `<run>/<seed>/`,
experiments `<experiment>/`, and beside them its tables and figures; and a folder per family with
what its paper is made from.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path

from replications.core.spec.plan import Plan
from replications.core.spec.reading import REPLICATIONS

DESCRIPTION = "dataset.json"
"""The description of a prepared dataset, which has the hash of every array beside it."""
MEASURED = (
    *("metrics.json", "resampled.csv", "history.csv", "cost.json"),
    *("examples.npz", "model.pt"),
)
"""The files of a run folder."""
ORIGIN = "provenance.json"
"""Where the other files of a folder come from, with a hash of each."""
EXPERIMENT_FILES = ("table.csv", "numbers.json", ORIGIN)
"""What an experiment measured, the numbers that claims and the paper take from it, its origin."""
FLOOR = "floor"
"""The folder of what predictions reach that do not look at their input."""
FLOOR_FILES = ("metrics.json", ORIGIN)
GAIN_AXES = ("train_fraction", "model.width", "model.dim", "model.hidden")
"""How many training samples have labels, and how wide the shared trunk is."""
TABLES = (
    *("runs.csv", "costs.csv", "delta_m.csv", "comparisons.csv", "claims.csv"),
    *("transfer.csv", "overfitting.csv", "floors.csv", "ladder.csv"),
    "reaching.csv",
)
"""The tables of a replication, and under the same names those of a family."""
LATEX = ("table_results.tex", "supplement.tex")
"""What the paper and its supplement input of a replication, besides figures and numbers."""
_FAMILY_TABLES = ("table_efficiency.tex", "table_experiments.tex", "table_tasks.tex")

WEIGHTS_VARIABLE = "IMAGENET_WEIGHTS"


def weights_folder() -> Path:
    """Where ImageNet weights lie: the folder that the environment variable names, or ours."""
    return Path(os.environ.get(WEIGHTS_VARIABLE, "data/weights"))


def run_folder(folder: Path, plan: Plan, run: str, seed: int | str) -> Path:
    """Where a run lies, of a replication whose results are in `folder`: there, or in the folder
    beside it of the replication that it is taken over from."""
    owner = plan.owner(run)
    return (folder if owner is plan else folder.with_name(owner.name)) / run / str(seed)


def floor_folder(folder: Path, plan: Plan) -> Path:
    """Where the floors lie, likewise: of the same data and tasks they are the same."""
    return (folder.with_name(plan.lender.name) if plan.lender else folder) / FLOOR


def figures(plan: Plan) -> list[str]:
    """The figures of a replication, without suffix: those of every one, then its own."""
    examples = ["examples"] if plan.data.examples and plan.data.redistributable else []
    varied = plan.settings.at or any(run.axis for run in plan.runs.values())
    ladder = ["ladder"] if plan.ladder else []
    shared = [*examples, "delta_m", "curves", *ladder, *(["axes"] if varied else [])]
    return [f"figure_{name}" for name in (*shared, *plan.replication.figures)]


def are_alike(plans: Sequence[Plan]) -> bool:
    """Whether several replications are all like one of them, and so can be read side by side."""
    return len(plans) > 1 and len({(plan.lender or plan).name for plan in plans}) == 1


def several_domains(plans: Sequence[Plan]) -> bool:
    """Whether the paper of a family compares domains: it inputs the table."""
    papers = {REPLICATIONS.parent / "paper" / p.replication.family / "main.tex" for p in plans}
    return any(_inputs_domains(paper) for paper in papers)


@functools.cache
def _inputs_domains(paper: Path) -> bool:
    return paper.is_file() and "generated/table_domains.tex" in paper.read_text(encoding="utf-8")


def family_figures(plans: Sequence[Plan]) -> list[str]:
    """The figures of all replications of a family together, without suffix."""
    ladder = ["figure_ladder"] if any(plan.ladder for plan in plans) else []
    of_ways = ["figure_front", "figure_transfer", "figure_ways_ladder"]
    alike = of_ways if are_alike(plans) else []
    gain = ["figure_gain"] if any(gain_axes(plan) for plan in plans) else []
    domains = ["figure_domains"] if several_domains(plans) else []
    return ["figure_plane", *alike, *ladder, *gain, *domains]


def gain_axes(plan: Plan) -> list[str]:
    """The axes along which the gain of the reference run is shown, as far as it is laid out."""
    return [axis for axis in GAIN_AXES if axis in plan.axes_of(plan.replication.reference)]


def of_family(plans: Sequence[Plan]) -> list[str]:
    """What the paper inputs of all replications of a family together, besides numbers."""
    figures = [f"{figure}.pdf" for figure in family_figures(plans)]
    ways = ["table_ways.tex"] if are_alike(plans) else []
    domains = ["table_domains.tex"] if several_domains(plans) else []
    return [*_FAMILY_TABLES, *ways, *domains, *figures]


def for_paper(plans: Sequence[Plan]) -> list[str]:
    """What the paper inputs besides its text, as paths under its folder `generated`."""
    own = [
        f"{plan.name}/{file}"
        for plan in plans
        for file in (*LATEX, *(f"{figure}.pdf" for figure in figures(plan)))
    ]
    return ["numbers.tex", *of_family(plans), *own]
