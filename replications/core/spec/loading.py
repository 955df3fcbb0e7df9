"""Reading a replication, and laying a study over it: the way to a plan."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from replications.core.errors import StudyError, meant
from replications.core.spec import reading
from replications.core.spec.axes import base_of, set_at
from replications.core.spec.claims import DELTA_METRICS
from replications.core.spec.likeness import completed, overlaid
from replications.core.spec.matching import check_matched
from replications.core.spec.plan import Plan
from replications.core.spec.reading import brief, checked, explained, path_of, read_yaml, shown
from replications.core.spec.replication import Experiment, Replication, Study
from replications.core.spec.selecting import laid_out_runs, runs_of
from replications.core.spec.training import Run, Settings
from replications.core.spec.tuning import RATE, rates, tuning_study


def replication_names() -> list[str]:
    """Every folder under `replications/` with a `replication.yaml`, in the order they state."""
    return sorted(_folders(), key=lambda name: (load_replication(name).order, name))


def _folders() -> list[str]:
    names = sorted(path.parent.name for path in reading.REPLICATIONS.glob("*/replication.yaml"))
    if wrong := [name for name in names if not re.fullmatch("[a-z][a-z0-9_]*", name)]:
        raise StudyError(
            f"replications/{wrong[0]}: no name of a module: small letters, digits and _; rename it"
        )
    return names


def load_replication(name: str) -> Replication:
    """Read and check `replications/<name>/replication.yaml`.

    Raises:
        StudyError: naming file, key, value and what is allowed.
    """
    path = path_of(name)
    if not path.is_file():
        raise StudyError(
            f"no replication '{name}': {shown(path)} does not exist{meant(name, _folders())}"
        )
    changed = tuple(path_of(folder).stat().st_mtime_ns for folder in _folders())
    replication = _read(path, changed)
    for key in ("part_of", "again"):
        if (other := getattr(replication, key)) not in (None, *_folders()):
            raise StudyError(
                f"{shown(path)}: {key}: no replication '{other}'; "
                f"there are: {', '.join(_folders())}{meant(other, _folders())}"
            )
    first = replication.again and _read(path_of(replication.again), changed)
    if first and not {*replication.claims} & {*first.claims}:
        raise StudyError(
            f"{shown(path)}: again: {replication.again} has none of its claims; a claim that is "
            "asked again has the same number in both"
        )
    return replication


@functools.cache
def _read(path: Path, changed: tuple[int, ...]) -> Replication:
    """`changed`: when any of the specifications was."""
    content = read_yaml(path)
    other = content.get("like") if isinstance(content, dict) else None
    if other is None:
        return checked(Replication, content, path)
    if other not in _folders():
        raise StudyError(
            f"{shown(path)}: like: no replication {brief(other)}; "
            f"there are: {', '.join(_folders())}{meant(other, _folders())}"
        )
    lender = read_yaml(path_of(other))
    if not isinstance(lender, dict) or not lender.get("like"):
        load_replication(other)  # what is wrong with it is said of it
    try:
        return checked(Replication, completed(content, lender, other), path)
    except ValueError as error:
        raise StudyError(f"{shown(path)}: {error}") from None


@functools.cache
def tested_elsewhere(paper: str, name: str) -> int:
    """How many claims of the paper are tested in other replications than `name`, questions of ours
    aside."""
    others = [load_replication(other) for other in replication_names() if other != name]
    claims = [c for other in others if other.paper == paper for c in other.claims.values()]
    return sum(claim.tested and not claim.ours for claim in claims)


def load_plan(name: str, study: str) -> Plan:
    """The plan of one replication in one study: base settings with the study's laid over them.

    Raises:
        StudyError: naming file, key, value and what is allowed.
    """
    replication = load_replication(name)
    chosen = _study_of(replication, study, name)
    lender = load_plan(replication.like, study) if replication.like else None
    merged = overlaid(replication.settings, chosen.settings)
    if chosen.tasks is not None:  # those left out may need labels that the study's data lack
        needed = {*chosen.tasks, *(t for run in replication.runs.values() for t in run.auxiliary)}
        merged["tasks"] = {t: own for t, own in merged["tasks"].items() if t in needed}
    settings = checked(Settings, merged, path_of(name), f"settings with studies.{study}.settings")
    runs = runs_of(replication, chosen, name, study)
    check_matched(runs, f"{shown(path_of(name))}: studies.{study}.runs")
    tuned = _tuned(runs, replication, name, tuning_study(chosen.tuned)) if chosen.tuned else {}
    variants = laid_out_runs(runs, chosen, replication, settings, name, study)
    varied = {
        run: _varied(settings, spec, tuned.get(base_of(run), {}), name)
        for run, spec in variants.items()
        if not spec.of and (spec.axis or spec.settings or tuned)
    }
    if lender:
        taken = _taken_over(lender, settings, variants, name)
        variants |= {
            run: spec.model_copy(update={"of": lender.name}) for run, spec in taken.items()
        }
        varied |= {run: lender.settings_of(run) for run in taken}
    plan = Plan(
        name=name,
        study=study,
        replication=replication,
        settings=settings,
        seeds=chosen.seeds,
        first_seed=chosen.first_seed,
        tuned=chosen.tuned,
        ladder=[*chosen.ladder, settings.steps] if chosen.ladder else [],
        runs=variants,
        lender=lender,
        varied=varied,
        experiments=_experiments_of(replication, chosen, variants),
    )
    _check_models(plan)
    _check_gains(plan)
    return plan


def _study_of(replication: Replication, study: str, name: str) -> Study:
    """The study with what it takes from the one it is like."""
    if study not in replication.studies:
        raise StudyError(
            f"{shown(path_of(name))}: no study '{study}' under 'studies'; "
            f"it has: {', '.join(replication.studies)}{meant(study, replication.studies)}"
            f"{_elsewhere(study)}"
        )
    own = replication.studies[study]
    if own.ladder != sorted(set(own.ladder)):
        raise StudyError(f"{shown(path_of(name))}: studies.{study}.ladder must rise: {own.ladder}")
    if own.like is None:
        return own
    other = replication.studies[own.like]
    return own.model_copy(
        update={
            "runs": own.runs or other.runs,
            "tasks": own.tasks or other.tasks,
            "settings": overlaid(other.settings, own.settings),
            "over": other.over | own.over,
            "ladder": own.ladder or other.ladder,
            "each": other.each | own.each,
            "experiments": overlaid(other.experiments, own.experiments),
        }
    )


def _elsewhere(study: str) -> str:
    """How to ask for a study that only other replications have."""
    names = [name for name in _folders() if study in load_replication(name).studies]
    return f"; for those that have it add replications=[{','.join(names)}]" if names else ""


def _tuned(
    runs: Mapping[str, Run], replication: Replication, name: str, study: str
) -> dict[str, dict[str, Any]]:
    """The settings in which the learning rate that a study chose for each run differs."""
    own = {run: spec.rate_of or run for run, spec in runs.items() if not spec.of}
    grid = _study_of(replication, study, name).over.get(RATE, [])
    path = path_of(name).with_name(f"{study}.csv")
    chosen = rates(path, dict.fromkeys(own.values()), grid)
    return {run: {"optimizer": {"lr": chosen[rate]}} for run, rate in own.items()}


def _varied(settings: Settings, run: Run, tuned: Mapping[str, Any], name: str) -> Settings:
    changed = overlaid(overlaid(settings.model_dump(), tuned), run.settings)
    where = f"settings of '{run.title}'"
    return checked(Settings, set_at(changed, run.axis), path_of(name), where)


def _taken_over(
    lender: Plan, settings: Settings, runs: Mapping[str, Run], name: str
) -> dict[str, Run]:
    """Those of the runs that are the lender's, as it trains them.

    Raises:
        StudyError: it does not train one of them, or under other settings than the model's.
    """
    where = f"{shown(path_of(name))}: study '{lender.study}'"
    own, others = (s.model_dump(exclude={"model"}) for s in (settings, lender.settings))
    if differing := [key for key, value in own.items() if value != others[key]]:
        raise StudyError(
            f"{where}: settings.{differing[0]} is not that of '{lender.name}', whose runs it is "
            "compared with; only the model may differ"
        )
    wanted = [run for run, spec in runs.items() if spec.of]
    if lacking := [run for run in wanted if run not in lender.runs]:
        raise StudyError(
            f"{where}: '{lender.name}' does not train '{lacking[0]}' in it; add that run"
        )
    return {run: lender.runs[run] for run in wanted}


def _experiments_of(
    replication: Replication, study: Study, runs: Mapping[str, Run]
) -> dict[str, Experiment]:
    return {
        name: Experiment(
            alone=spec.alone,
            histories=[run for run in spec.histories if run in runs],
            options=overlaid(spec.options, study.experiments.get(name, {})),
        )
        for name, spec in replication.experiments.items()
    }


def _check_models(plan: Plan) -> None:
    """The model's options are valid in every run, and somebody brings about every condition."""
    path = path_of(plan.name)
    for run in plan.runs:
        try:
            options = plan.model_of(run)
        except ValidationError as error:
            raise StudyError(explained(error, path, "settings.model")) from None
    known = {*options.conditions, *plan.data.conditions}
    if unknown := set(plan.settings.at) - known:
        raise StudyError(
            f"{shown(path)}: settings.at: neither the dataset nor the model knows "
            f"{', '.join(sorted(unknown))}; they know: {', '.join(sorted(known)) or 'none'}"
        )


def _check_gains(plan: Plan) -> None:
    """Runs are compared in delta_m only where it is relative to the same single-task runs."""
    for number, claim in plan.replication.claims.items():
        for compared in plan.comparisons(claim) if claim.tested else []:
            if compared.metric not in DELTA_METRICS.values():
                continue
            for pair in compared.pairs.values():
                matched = [_singles(plan, run) for run in pair if run in plan.runs]
                if any(own != matched[0] for own in matched):
                    raise StudyError(
                        f"{shown(path_of(plan.name))}: claims.{number}: delta_m of '{pair[0]}' and "
                        f"'{pair[1]}' is relative to other single-task runs ("
                        f"{' and '.join(', '.join(own) for own in matched)}); compare them task by "
                        "task, with tasks: [...]"
                    )


def _singles(plan: Plan, run: str) -> list[str]:
    return [plan.single_of(task, run) for task in plan.runs[run].tasks]
