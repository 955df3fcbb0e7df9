"""Turn the run folders of one replication into its tables, its figures and its LaTeX."""

from __future__ import annotations

from pathlib import Path

from replications.core.evidence.claims import claims_table
from replications.core.evidence.comparisons import comparisons_table
from replications.core.evidence.delta_m import DELTA_KEY, delta_m_table, deltas, with_delta_m
from replications.core.evidence.figures import draw_figures
from replications.core.evidence.floors import floors_table, with_names, with_runs
from replications.core.evidence.ladder import ladder_table
from replications.core.evidence.numbers import definitions, numbers
from replications.core.evidence.reaching import reaching_table
from replications.core.evidence.study import results_of
from replications.core.evidence.supplement import chapter
from replications.core.evidence.tables import results_table
from replications.core.evidence.tidy import COSTS_KEY, RUNS_KEY, collect, spread, write_table
from replications.core.evidence.transfer import overfitting_table, transfer_table
from replications.core.evidence.values import observed, resampled
from replications.core.files import replacing, write_text
from replications.core.spec import Plan, origin
from replications.core.spec.layout import LATEX, TABLES, figures


def summarise(plan: Plan, folder: Path) -> None:
    """Write tables, LaTeX, figures and their origin into `folder`, which holds the run folders."""
    runs, costs = collect(plan, folder)
    for experiment in plan.experiments:
        origin.verified(folder / experiment, ["table.csv", "numbers.json"])
    values = observed(runs)
    floors = with_runs(plan, floors_table(plan, folder), values)
    found = list(deltas(plan, values, floors))
    delta = delta_m_table(plan, found)
    write_table(runs, folder / "runs.csv", RUNS_KEY, plan)
    write_table(costs, folder / "costs.csv", COSTS_KEY, plan)
    write_table(delta, folder / "delta_m.csv", DELTA_KEY, plan)
    compared = with_delta_m(values, found)
    resamples = resampled(plan, folder, values)
    redrawn = with_delta_m(resamples, deltas(plan, resamples))
    unsound = [one for one in found if not one.meaningful]
    # Empty where nothing was tested or one seed has no interval: tables with gaps by design.
    with_gaps = {
        "comparisons": spread(comparisons_table(plan, compared, redrawn), plan),
        "claims": claims_table(plan, compared, costs, folder, floors, unsound),
        "transfer": spread(transfer_table(plan, runs), plan),
        "overfitting": spread(overfitting_table(plan, runs), plan),
        "floors": with_names(floors, plan),
        "ladder": ladder_table(plan, compared),
        "reaching": reaching_table(plan, values, costs, folder),
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
