"""Plans: a replication inside a study, read and checked."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from replications.core.errors import StudyError, meant
from replications.core.spec import reading
from replications.core.spec.axes import (
    Axis,
    base_of,
    felt,
    grid,
    laid_out,
    set_at,
    variant_name,
    written,
)
from replications.core.spec.claims import SINGLES, Better, Claim, Comparison, Crossing
from replications.core.spec.likeness import completed, overlaid
from replications.core.spec.options import DatasetOptions, ModelOptions, Strict
from replications.core.spec.reading import brief, checked, explained, read_yaml, shown
from replications.core.spec.replication import Experiment, Replication, Study
from replications.core.spec.training import ITSELF, Run, Settings
from replications.core.spec.tuning import RATE, rates, tuning_study


class Plan(Strict):
    """A replication inside a study: what will be trained, with what."""

    name: str
    study: str
    replication: Replication
    settings: Settings
    seeds: int
    first_seed: int = 0
    tuned: bool | str = False
    """Whether the learning rates were chosen; by another study than `tuning`, its name."""
    ladder: list[int] = []
    """The budgets, in steps, at which tested claims are decided; the last is that of the settings.
    Empty where there is one."""
    runs: dict[str, Run]
    """Every run, those laid out along axes as runs of their own; see `axes`."""
    lender: Plan | None = None
    """The plan of the replication that this one is like, by which the runs taken over from it are
    trained."""
    varied: dict[str, Settings] = {}
    """The settings of runs that change some, or are laid out along axes."""
    experiments: dict[str, Experiment]

    @property
    def seed_numbers(self) -> range:
        """The seeds, one by one."""
        return range(self.first_seed, self.first_seed + self.seeds)

    @property
    def data(self) -> DatasetOptions:
        """The dataset, as prepared for the study."""
        return self.settings.data

    @property
    def budgets(self) -> list[int]:
        """The budgets, in steps, at which claims are decided."""
        return self.ladder or [self.settings.steps]

    @property
    def epochs(self) -> float | None:
        """Passes over the training samples that a run makes; None where their number is not known
        beforehand."""
        return self.epochs_of(self.settings)

    def epochs_of(self, settings: Settings) -> float | None:
        """The same of a run with other settings."""
        samples = self.data.training_samples
        used = settings.steps * settings.batch_size
        return used / (samples * settings.train_fraction) if samples else None

    def single_of(self, task: str, run: str) -> str:
        """Name of the single-task run that matches `run` on `task`: trained on the same labels, at
        the same axis values, its loss not scaled, and where there is such a run with the same
        changes to the settings and the model, begun with the same weights."""
        return _single_of(self.runs, task, self.runs[run]) or ""

    def owner(self, run: str) -> Plan:
        """The plan by which a run is trained, this one or the lender's."""
        return self.lender if self.lender and self.runs[run].of else self

    def behind(self, run: str) -> list[str]:
        """The runs that a run needs, and those that these need."""
        return list(dict.fromkeys(_behind(run, self.runs)))

    def settings_of(self, run: str) -> Settings:
        """The settings of a run."""
        return self.varied.get(run, self.settings)

    def model_of(self, run: str) -> ModelOptions:
        """The options of a run's model."""
        model = _model_of(self.settings_of(run), self.runs[run])
        return model_options(self.owner(run).name, model)

    def axes_of(self, run: str) -> Axis:
        """Where a run lies on every axis along which it, or a variant of it, is laid out."""
        names = {
            name
            for other in self.runs
            if base_of(other) == base_of(run)
            for name in self.runs[other].axis
        }
        own = self.runs[run].axis
        return {name: own.get(name, value_at(self.settings, name)) for name in sorted(names)}

    def along(self, run: str, axis: str) -> dict[float, str]:
        """The variants of a run along one axis, by value in rising order, where the other axes stay
        as they are: of several such lines the one with the most values, trained the longest."""
        lines: dict[str, dict[float, str]] = {}
        for other, spec in self.runs.items():
            if base_of(other) == run:
                place = {name: value for name, value in spec.axis.items() if name != axis}
                value = float(self.axes_of(other).get(axis, 0))
                lines.setdefault(written(place), {})[value] = other

        def extent(line: Mapping[float, str]) -> tuple[int, int]:
            return len(line), max(self.settings_of(other).steps for other in line.values())

        return dict(sorted(max(lines.values(), key=extent).items()))

    def comparisons(self, claim: Claim) -> list[Comparison]:
        """What a claim compares, one by one."""
        return [
            comparison
            for statement in claim.statements
            for against in statement.rivals or [""]
            for task in self.replication.tasks_of(statement)
            # Of all tasks those that both have: a single-task run is a rival on its own.
            if statement.tasks != "all" or self._has(statement.run, task, against)
            for comparison in self._compared(statement, against, task)
        ]

    def _has(self, run: str, task: str, against: str) -> bool:
        known = self.replication.runs
        return all(task in known[name].tasks for name in (run, against) if name)

    def _compared(self, statement: Better, against: str, task: str) -> list[Comparison]:
        """The comparisons of a statement with one other run on one task."""
        metric = statement.metric or self.replication.headline[task]
        found = []
        for condition in self._conditions_of(statement):
            compared = functools.partial(
                Comparison,
                task=task,
                metric=metric,
                margin=statement.margin,
                beyond=statement.beyond,
                relative=statement.relative,
                condition=condition,
            )
            if isinstance(statement, Crossing):
                values = list(self._several(statement.run, statement.axis).values())
                low, high = (_pair(statement.run, against, values[end]) for end in (0, -1))
                found += [compared({0.0: low[::-1]}), compared({0.0: high})]
            elif statement.slope:
                # What stands for the single-task runs is not laid out.
                standing_in = statement.run == SINGLES
                lead = against if standing_in else statement.run
                pairs = {
                    value: (SINGLES, run) if standing_in else _pair(lead, against, run)
                    for value, run in self._several(lead, statement.slope).items()
                }
                found.append(compared(pairs, slope=statement.slope))
            else:
                found += [
                    compared({0.0: _pair(statement.run, against, run)})
                    for run in self._variants_of(statement)
                ]
        return found

    def _several(self, run: str, axis: str) -> dict[float, str]:
        """See `along`; of a study without the axis, runs that it lacks."""
        found = self.along(run, axis)
        return found if len(found) > 1 else {0.0: f"{run}@{axis}=?", 1.0: f"{run}@{axis}=?"}

    def _variants_of(self, statement: Better) -> list[str]:
        if statement.over == "every":
            return [run for run in self.runs if base_of(run) == statement.run] or [statement.run]
        own = {
            axis: value
            for axis, value in (statement.over or {}).items()
            if value != value_at(self.settings, axis)
        }
        return [variant_name(statement.run, own)]

    def _conditions_of(self, statement: Better) -> list[str]:
        if statement.at == "every":
            return [written(condition) for condition in self.settings.conditions]
        return [written(statement.at or {})]

    def specification(self, run: str) -> dict[str, Any]:
        """All that a run is trained with but its code, its data and its seed."""
        if (owner := self.owner(run)) is not self:
            return owner.specification(run)
        spec, settings = self.runs[run], self.settings_of(run)
        tasks = list(settings.tasks) if spec.labels == "disjoint" else spec.trained
        unused = {"model", "tasks", "at", "checkpoint_every"}
        return {
            "settings": settings.model_dump(mode="json", exclude=unused),
            "model": self.model_of(run).model_dump(mode="json"),
            "tasks": {task: settings.tasks[task].model_dump(mode="json") for task in tasks},
            "run": spec.model_dump(
                mode="json",
                exclude={"title", "model", "settings", "rate_of", "needs", "over", "axis", "of"},
            ),
            "needs": {role: self.run_fingerprint(needed) for role, needed in spec.needs.items()},
            # What the latency of the run is compared with.
            "separate": {
                task: self.model_of(single).model_dump(mode="json")
                for task in (spec.tasks if spec.role == "multi" else [])
                if (single := self.single_of(task, run))
            },
        }

    def run_fingerprint(self, run: str) -> str:
        """Hash of what the run is trained with; a change retrains it."""
        return digest(self.specification(run))

    def experiment_fingerprint(self, experiment: str) -> str:
        """Hash of what the experiment is made with; a change makes it anew."""
        return digest([self.seeds, self.experiments[experiment].model_dump(mode="json")])

    def floor_fingerprint(self) -> str:
        """Hash of what the floors are made with."""
        tasks = {name: own.model_dump(mode="json") for name, own in self.settings.tasks.items()}
        return digest([self.data.model_dump(mode="json"), tasks, self.settings.model])

    @property
    def tuning(self) -> Path | None:
        """The record of how the learning rates were chosen, of a study that is tuned."""
        if not self.tuned:
            return None
        return path_of(self.name).with_name(f"{tuning_study(self.tuned)}.csv")

    def digest(self) -> str:
        """Hash of the whole plan; tables and figures are made anew when it changes."""
        return digest(self.model_dump(mode="json"))


def digest(value: Any) -> str:
    """A short hash of a value of JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


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


def path_of(name: str) -> Path:
    """The specification of a replication."""
    return reading.REPLICATIONS / name / "replication.yaml"


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
    if replication.part_of not in (None, *_folders()):
        raise StudyError(
            f"{shown(path)}: part_of: no replication '{replication.part_of}'; "
            f"there are: {', '.join(_folders())}{meant(replication.part_of or '', _folders())}"
        )
    return replication


@functools.cache
def tested_elsewhere(paper: str, name: str) -> int:
    """How many claims of the paper are tested in other replications than `name`, questions of ours
    aside."""
    others = [load_replication(other) for other in replication_names() if other != name]
    claims = [c for other in others if other.paper == paper for c in other.claims.values()]
    return sum(claim.tested and not claim.ours for claim in claims)


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
    runs = _runs_of(replication, chosen, name, study)
    _check_matched(runs, name, study)
    tuned = _tuned(runs, replication, name, tuning_study(chosen.tuned)) if chosen.tuned else {}
    variants = _laid_out(runs, chosen, replication, settings, name, study)
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
    return plan


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


def _tuned(
    runs: Mapping[str, Run], replication: Replication, name: str, study: str
) -> dict[str, dict[str, Any]]:
    """The settings in which the learning rate that a study chose for each run differs."""
    own = {run: spec.rate_of or run for run, spec in runs.items() if not spec.of}
    grid = _study_of(replication, study, name).over.get(RATE, [])
    path = path_of(name).with_name(f"{study}.csv")
    chosen = rates(path, dict.fromkeys(own.values()), grid)
    return {run: {"optimizer": {"lr": chosen[rate]}} for run, rate in own.items()}


def _elsewhere(study: str) -> str:
    """How to ask for a study that only other replications have."""
    names = [name for name in _folders() if study in load_replication(name).studies]
    return f"; for those that have it add replications=[{','.join(names)}]" if names else ""


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


def _runs_of(replication: Replication, study: Study, name: str, where: str) -> dict[str, Run]:
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
            content["needs"] = {
                role: needed
                for role, needed in content["needs"].items()
                if kept.get(needed, [needed])
            }
            found[name] = checked(Run, content, path, f"{where}: runs.{name}")
    return found


def _check_matched(runs: Mapping[str, Run], name: str, study: str) -> None:
    """Every task of every run is trained alone, and every run that another needs is there."""
    where = f"{shown(path_of(name))}: studies.{study}.runs"
    for run_name, run in runs.items():
        for task in run.tasks:
            if _single_of(runs, task, run) is None:
                raise StudyError(
                    f"{where}: '{run_name}' has task '{task}' but no run trains '{task}' alone on "
                    f"{run.labels} labels, so nothing matches it; add that single-task run"
                )
        seen = [run_name]
        for role, needed in run.needs.items():
            if needed not in runs:
                raise StudyError(f"{where}: '{run_name}' needs '{needed}'; add that run")
            own, other = (_network(runs[name]) for name in (run_name, needed))
            if role == ITSELF and own != other:
                raise StudyError(
                    f"{where}: '{run_name}' trains on '{needed}', which must have the same tasks "
                    f"and model (found: {other}, expected: {own})"
                )
            _check_order(runs, needed, seen, where)


def _network(run: Run) -> tuple[list[str], dict[str, Any]]:
    return run.trained, run.model


def _check_order(runs: Mapping[str, Run], name: str, seen: list[str], where: str) -> None:
    """Refuse a run that needs itself by way of others."""
    if name in seen:
        raise StudyError(f"{where}: '{name}' needs itself, by way of {', '.join(seen)}")
    for needed in runs[name].needs.values():
        if needed in runs:
            _check_order(runs, needed, [*seen, name], where)


def _laid_out(
    runs: Mapping[str, Run],
    study: Study,
    replication: Replication,
    settings: Settings,
    name: str,
    where: str,
) -> dict[str, Run]:
    def matching(task: str, run: str) -> str | None:
        return _single_of(runs, task, runs[run])

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
        named |= dict.fromkeys(_behind(run, runs))
    return [*named]


def _behind(run: str, runs: Mapping[str, Run]) -> list[str]:
    """See `Plan.behind`; one that several need as often as they do."""
    needed = list(runs[run].needs.values())
    return [*needed, *(further for other in needed for further in _behind(other, runs))]


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


def _varied(settings: Settings, run: Run, tuned: Mapping[str, Any], name: str) -> Settings:
    changed = overlaid(overlaid(settings.model_dump(), tuned), run.settings)
    where = f"settings of '{run.title}'"
    return checked(Settings, set_at(changed, run.axis), path_of(name), where)


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


def _single_of(runs: Mapping[str, Run], task: str, run: Run) -> str | None:
    """See `Plan.single_of`; None where no run matches."""
    alone = [
        name
        for name, other in runs.items()
        if (other.trained, other.labels) == ([task], run.labels)
        and other.axis == felt(other, run.axis)
        and not other.loss_scale
        and other.settings in ({}, run.settings)
    ]
    # Of equally alike ones the first.
    return min(alone, key=lambda name: _unlikeness(runs[name], run), default=None)


def _unlikeness(single: Run, run: Run) -> int:
    (task,) = single.trained
    trained_on = ITSELF in run.needs or task in run.needs
    differing = (
        single.settings != run.settings,
        (ITSELF in single.needs) != trained_on,
        single.model != run.model,
    )
    return sum(2**place * differs for place, differs in enumerate(reversed(differing)))


def _model_of(settings: Settings, run: Run) -> dict[str, Any]:
    """The model's settings as the run changes them."""
    own = run.model | ({"auxiliary": run.auxiliary} if run.auxiliary else {})
    return overlaid(settings.model, own)


def value_at(settings: Settings, path: str) -> int | float:
    """The number at a path of the settings, such as `optimizer.lr` or `model.width`.

    Raises:
        ValueError: there is none.
    """
    found: Any = settings.model_dump()
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError(f"'{path}' is no number of the settings (found: {found!r})")
    return found


def model_options(name: str, options: Mapping[str, Any]) -> ModelOptions:
    """The model's settings as the replication's own `ModelOptions` (its `options.py`)."""
    module = importlib.import_module(f"replications.{name}.options")
    checked_options: ModelOptions = module.ModelOptions.model_validate(options)
    return checked_options


def _pair(run: str, against: str, at: str) -> tuple[str, str]:
    """The two runs of a comparison, where the first is at the axis values of its variant `at`."""
    axis = at.removeprefix(run)
    return at, against if against in ("", SINGLES) else f"{against}{axis}"
