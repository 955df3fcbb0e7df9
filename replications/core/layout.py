"""What the files between the stages are called; free of torch and pandas, so the workflow reads it.

A study lies in `results/<study>/<replication>/`: run folders `<run>/<seed>/`, experiments
`<experiment>/`, and beside them the tables and figures of the replication.
"""

from __future__ import annotations

from collections.abc import Iterable

from replications.core.spec import Plan

PREPARED = ("dataset.json", "train.safetensors", "val.safetensors", "test.safetensors")
"""A prepared dataset."""
RUN_FILES = (
    *("metrics.json", "history.csv", "cost.json", "examples.npz", "provenance.json"),
    "model.pt",
)
"""A run folder."""
EXPERIMENT_FILES = ("table.csv", "numbers.json", "provenance.json")
"""What an experiment measured, the numbers that claims and the paper take from it, its origin."""
TABLES = (
    *("runs.csv", "costs.csv", "delta_m.csv", "comparisons.csv", "claims.csv"),
    *("transfer.csv", "overfitting.csv"),
)
"""The tables of a replication, and under the same names those of a study."""
LATEX = ("table_results.tex", "supplement.tex")
"""What the paper and its supplement input of a replication, besides figures and numbers."""
OVERVIEW = ("table_efficiency.tex", "table_experiments.tex", "figure_plane.pdf")
"""What the paper inputs of all replications together."""


def figures(plan: Plan) -> list[str]:
    """The figures of a replication, without suffix: those of every one, then its own."""
    return [
        f"figure_{name}" for name in ("examples", "delta_m", "curves", *plan.replication.figures)
    ]


def for_paper(plans: Iterable[Plan]) -> list[str]:
    """What the paper inputs besides its text, as paths under its folder `generated`."""
    own = [
        f"{plan.name}/{file}"
        for plan in plans
        for file in (*LATEX, *(f"{figure}.pdf" for figure in figures(plan)))
    ]
    return ["numbers.tex", *OVERVIEW, *own]
