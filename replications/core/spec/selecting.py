"""The runs of a study: those that it asks for, and the same laid out along its axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from replications.core.errors import StudyError
from replications.core.spec.axes import Axis, grid, laid_out
from replications.core.spec.matching import behind, single_of
from replications.core.spec.reading import checked, path_of, shown
from replications.core.spec.replication import Replication, Study
from replications.core.spec.training import Run, Settings, value_at


def runs_of(replication: Replication, study: Study, name: str, where: str) -> dict[str, Run]:
    """The study's runs, without the tasks that it leaves out."""
    runs = {run: replication.runs[run] for run in study.runs or replication.runs}
    if study.tasks is not None:
        runs = _of_tasks(runs, study.tasks, path_of(name), f"studies.{where}.tasks")
    if replication.reference not in runs:
        raise StudyError(
            f"{shown(path_of(name))}: studies.{where}.runs: '{replication.reference}', the "
            "reference, is not among them"
        )
    return runs


def _of_tasks(
    runs: Mapping[str, Run], tasks: Sequence[str], path: Path, where: str
) -> dict[str, Run]:
    """The runs without any task but `tasks`, and without what they need of those left out."""
    kept = {name: [task for task in run.tasks if task in tasks] for name, run in runs.items()}
    found = {}
    for name, own in kept.items():
        if own:
            content = runs[name].model_dump() | {"tasks": own}
            trained = [*own, *content["auxiliary"]]
            content["loss_scale"] = {t: f for t, f in content["loss_scale"].items() if t in trained}
            content["matched"] = {t: s for t, s in content["matched"].items() if t in own}
            content["needs"] = {
                role: needed
                for role, needed in content["needs"].items()
                if kept.get(needed, [needed])
            }
            found[name] = checked(Run, content, path, f"{where}: runs.{name}")
    return found


def laid_out_runs(
    runs: Mapping[str, Run],
    study: Study,
    replication: Replication,
    settings: Settings,
    name: str,
    where: str,
) -> dict[str, Run]:
    """The runs and their variants: along what the study and they ask for, and of those that claims
    compare along the ladder.

    Raises:
        StudyError: an axis is none of the settings, or changes nothing.
    """

    def matching(task: str, run: str) -> str | None:
        return single_of(runs, task, runs[run])

    def resolved(path: str) -> int | float:
        return value_at(settings, path)

    ladder: list[Axis] = [{"steps": steps} for steps in study.ladder]
    try:
        axes = {run: grid({**study.over, **spec.over}, resolved) for run, spec in runs.items()}
        for run in _compared_in(replication, runs):
            axes[run] += [axis for axis in ladder if axis not in axes[run]]
        for path, along in study.each.items():
            for steps in along.steps or [settings.steps]:
                place: Axis = {} if steps == settings.steps else {"steps": steps}
                line = [place | own for own in ({}, *grid({path: along.values}, resolved))]
                known = axes[replication.reference]
                axes[replication.reference] += [axis for axis in line if axis not in ({}, *known)]
        variants = laid_out(runs, axes, matching)
        for variant in variants.values():
            _check_reaches(variant)
        return variants
    except ValueError as error:
        raise StudyError(
            f"{shown(path_of(name))}: over, in studies.{where} or runs: {error}"
        ) from None


def _compared_in(replication: Replication, runs: Mapping[str, Run]) -> list[str]:
    """The runs that claims compare by a test, and what these need; their single-task runs follow
    them."""
    tested = [claim for claim in replication.claims.values() if claim.tested]
    named = dict.fromkeys(run for claim in tested for run in claim.runs if run in runs)
    for run in [*named]:
        named |= dict.fromkeys(behind(run, runs))
    return [*named]


def _check_reaches(run: Run) -> None:
    """Refuse an axis whose values a run lays its own over, so that they would change nothing."""
    for path in run.axis:
        first, _, rest = path.partition(".")
        found: Any = run.model
        for part in rest.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        own = {"model": found is not None}
        own |= {
            name: all(getattr(p, name) for p in run.phases) for name in ("optimizer", "schedule")
        }
        if own.get(first):
            raise ValueError(f"'{path}' has no effect on '{run.title}', which sets it itself")
