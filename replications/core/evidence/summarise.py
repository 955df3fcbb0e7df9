"""Turn the run folders of one replication into its tables, its figures and its LaTeX."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from replications.core.evidence.claims import claims_table, comparisons_table
from replications.core.evidence.delta_m import DELTA_KEY, as_metrics, delta_m_table
from replications.core.evidence.figures import draw_figures
from replications.core.evidence.numbers import definitions, numbers
from replications.core.evidence.study import results_of
from replications.core.evidence.supplement import chapter
from replications.core.evidence.tables import results_table
from replications.core.evidence.tidy import COSTS_KEY, RUNS_KEY, collect, spread, write_table
from replications.core.evidence.transfer import overfitting_table, transfer_table
from replications.core.files import replacing, write_text
from replications.core.spec import Plan, origin
from replications.core.spec.layout import LATEX, TABLES, figures


def summarise(plan: Plan, folder: Path) -> None:
    """Write tables, LaTeX, figures and their origin into `folder`, which holds the run folders."""
    runs, costs = collect(plan, folder)
    for experiment in plan.experiments:
        origin.verified(folder / experiment, ["table.csv", "numbers.json"])
    delta = delta_m_table(plan, runs)
    write_table(runs, folder / "runs.csv", RUNS_KEY, plan)
    write_table(costs, folder / "costs.csv", COSTS_KEY, plan)
    write_table(delta, folder / "delta_m.csv", DELTA_KEY, plan)
    compared = pd.concat([runs, as_metrics(delta)])
    # Empty where nothing was tested or one seed has no interval: tables with gaps by design.
    with_gaps = {
        "comparisons": spread(comparisons_table(plan, compared), plan),
        "claims": claims_table(plan, compared, costs, folder),
        "transfer": spread(transfer_table(plan, runs), plan),
        "overfitting": spread(overfitting_table(plan, runs), plan),
    }
    for name, table in with_gaps.items():
        with replacing(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)
    results = results_of(plan, folder, runs, costs, delta, with_gaps)
    write_text(folder / "table_results.tex", results_table(results))
    write_text(folder / "numbers.tex", definitions(numbers(results)))
    write_text(folder / "supplement.tex", chapter(results))
    draw_figures(results)
    drawn = [f"{figure}{suffix}" for figure in figures(plan) for suffix in (".pdf", ".svg")]
    record = {
        "replication": plan.name,
        "study": plan.study,
        "origin": origin.of_evidence(plan, folder),
    }
    origin.seal(folder, (*TABLES, *LATEX, "numbers.tex", *drawn), record)
