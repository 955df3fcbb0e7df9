"""Specifications: `replication.yaml` and the study's configuration, checked before anything runs.

Free of torch: the workflow reads these when it is parsed.
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from replications.core.errors import StudyError
from replications.core.tasks.options import TASK_METRICS, TASK_OPTIONS, Strict
from replications.core.weighting.options import EqualOptions, WeightingOptions

REPLICATIONS = Path(__file__).resolve().parents[1]
Positive = Annotated[int, Field(ge=1)]
Role = Literal["single", "multi"]
Verdict = Literal["reproduced", "contradicted", "undecided"]
DeltaM = Literal["per_task_primary", "per_metric", "per_task_mean"]
ALL_TASKS = "all"
"""What a metric of all tasks together has as its task: `delta_m_<definition>`."""
SINGLES = "single"
"""What stands for the single-task runs, whose delta_m is 0, in a comparison of delta_m."""
DatasetName = Literal["streets", "camvid", "qm9"]
MOLECULES = ("qm9",)
"""The datasets that hold molecules rather than pictures."""
Model = TypeVar("Model", bound=BaseModel)


class Optimizer(Strict):
    """The optimiser of torch.optim and its settings."""

    name: Literal["sgd", "adam", "adamw"]
    lr: Annotated[float, Field(gt=0)]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    nesterov: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _momentum_is_of_sgd(self) -> Optimizer:
        if self.name != "sgd" and (self.momentum or self.nesterov):
            raise ValueError(f"momentum and nesterov are settings of sgd, not of {self.name}")
        return self


class Schedule(Strict):
    """The learning rate over training, as a factor of `lr`; linear warm-up comes first."""

    name: Literal["constant", "cosine", "poly", "step"] = "constant"
    power: Annotated[float, Field(gt=0)] = 0.9
    every: Positive | None = None
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.5
    warmup: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _step_has_length(self) -> Schedule:
        if self.name == "step" and self.every is None:
            raise ValueError("schedule 'step' needs 'every' (steps between two reductions)")
        return self


class Augmentation(Strict):
    """What happens to training images, in batches on the device."""

    flip: bool = True
    zoom: Annotated[list[Annotated[float, Field(ge=1)]], Field(min_length=1)] = [1.0]
    """Factors one of which enlarges each image; depth is divided by it."""


class Settings(Strict):
    """Everything one training needs besides its run and its seed."""

    size: Annotated[tuple[Positive, ...], Field(min_length=2, max_length=3)]
    """What the dataset is prepared at: (H, W) of its pictures, or how many of its molecules train,
    validate and test."""
    steps: Positive
    batch_size: Positive
    optimizer: Optimizer
    schedule: Schedule = Schedule()
    augmentation: Augmentation = Augmentation()
    clip_grad_norm: Annotated[float, Field(gt=0)] | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    model: dict[str, Any]
    tasks: dict[str, dict[str, Any]]
    validations: Positive = 4
    checkpoint_every: Positive = 100

    @field_validator("tasks", mode="before")
    @classmethod
    def _known_tasks(cls, tasks: Any) -> Any:
        if not isinstance(tasks, Mapping):
            return tasks  # refused by its type
        for name, options in tasks.items():
            if name not in TASK_OPTIONS:
                raise ValueError(f"unknown task '{name}'; known: {', '.join(TASK_OPTIONS)}")
            TASK_OPTIONS[name].model_validate(options or {})
        return {name: options or {} for name, options in tasks.items()}


class Run(Strict):
    """One model to train: which tasks, how weighted."""

    tasks: Annotated[list[str], Field(min_length=1)]
    weighting: WeightingOptions = EqualOptions()
    loss_scale: dict[str, Annotated[float, Field(gt=0)]] = {}
    """Factors on the losses of tasks before they are weighted; 1 where none is given."""
    title: str
    """The name of the run in tables."""
    labels: Literal["shared", "disjoint"] = "shared"
    """`disjoint`: each training image keeps the labels of one task, and every task has a batch of
    its own in an update, as where the tasks' labels come from different datasets."""
    cycle: list[list[str]] = []
    """The tasks of each update, in turn; none given: all tasks, always."""
    model: dict[str, Any] = {}
    """What the run changes in the model's settings."""
    auxiliary: list[str] = []
    """Tasks that are predicted in training alone: they have a loss and no metrics. The model is
    told of them by its setting `auxiliary`."""

    @field_validator("weighting", mode="before")
    @classmethod
    def _name_alone(cls, weighting: Any) -> Any:
        return {"name": weighting} if isinstance(weighting, str) else weighting

    @field_validator("tasks")
    @classmethod
    def _each_once(cls, tasks: list[str]) -> list[str]:
        if len(set(tasks)) != len(tasks):
            raise ValueError(f"a task is named twice: {tasks}")
        return tasks

    @model_validator(mode="after")
    def _auxiliary_tasks_are_extra(self) -> Run:
        if len(set(self.auxiliary) - set(self.tasks)) != len(self.auxiliary):
            raise ValueError(
                f"auxiliary {self.auxiliary} names a task twice or one of {self.tasks}"
            )
        if self.auxiliary and self.labels == "disjoint":
            raise ValueError("auxiliary tasks need labels: shared")
        return self

    @model_validator(mode="after")
    def _scales_its_own_losses(self) -> Run:
        if unknown := set(self.loss_scale) - set(self.trained):
            raise ValueError(f"loss_scale names {sorted(unknown)}, the tasks are {self.trained}")
        return self

    @model_validator(mode="after")
    def _cycle_trains_the_tasks(self) -> Run:
        if self.cycle and set(itertools.chain(*self.cycle)) != set(self.tasks):
            raise ValueError(f"cycle {self.cycle} does not train just the tasks {self.tasks}")
        if not all(self.cycle):
            raise ValueError("cycle has an update without a task")
        return self

    @property
    def role(self) -> Role:
        return "single" if len(self.trained) == 1 else "multi"

    @property
    def trained(self) -> list[str]:
        """The tasks with a loss."""
        return [*self.tasks, *self.auxiliary]


class Comparison(Strict):
    """One run against another on one metric of the test split."""

    run: str
    against: str
    task: str
    metric: str
    margin: Annotated[float, Field(ge=0)] = 0.0
    """How much worse the run may be, in the metric's unit: above 0 it need only not be worse."""
    beyond: str | None = None
    """Another metric of the task: the gain on `metric` must exceed the gain on this one."""

    @model_validator(mode="after")
    def _compares_a_run(self) -> Comparison:
        if self.run == self.against:
            raise ValueError(f"compares '{self.run}' with itself")
        return self

    @property
    def runs(self) -> list[str]:
        """The runs of the replication that it compares."""
        stands_in = self.task == ALL_TASKS
        return [r for r in (self.run, self.against) if not (stands_in and r == SINGLES)]


class Saving(Strict):
    """What a multi-task run costs against the sum of the single-task networks of its tasks."""

    run: str
    cost: Literal["parameters", "flops", "latency_ms"]
    percent: Annotated[float, Field(ge=0, lt=100)] = 0.0
    """The least saving; 0: any."""
    dearer: bool = False
    """The run costs more instead."""

    @model_validator(mode="after")
    def _dearer_by_any_amount(self) -> Saving:
        if self.dearer and self.percent:
            raise ValueError("percent is the least saving of a run that is not dearer")
        return self


class Agreement(Strict):
    """Columns of the histories of `runs` whose last values lie within `margin` of each other."""

    runs: Annotated[list[str], Field(min_length=2)]
    columns: Annotated[list[str], Field(min_length=1)]
    margin: Annotated[float, Field(gt=0)]


class Bound(Strict):
    """A number an experiment leaves in its `numbers.json`, and where it should lie."""

    experiment: str
    number: str
    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Bound:
        if self.least is None and self.most is None:
            raise ValueError("needs 'least' or 'most'")
        return self


class Claim(Strict):
    """A statement of the paper: it holds where every comparison holds.

    `better` asks whether the run beats the other. Without a test, `cheaper` asks whether the run
    saves enough, or costs more, at every seed, `agree` whether histories end alike, and `measured`
    whether numbers of experiments lie within bounds.
    """

    title: str
    sentence: dict[Verdict, str]
    better: list[Comparison] = []
    cheaper: list[Saving] = []
    agree: Agreement | None = None
    measured: list[Bound] = []

    @model_validator(mode="after")
    def _of_one_kind(self) -> Claim:
        if sum(map(bool, (self.better, self.cheaper, self.agree, self.measured))) != 1:
            raise ValueError("a claim has just one of better, cheaper, agree and measured")
        missing = set(get_args(Verdict)) - set(self.sentence)
        if missing:
            raise ValueError(f"sentence lacks {', '.join(sorted(missing))}")
        return self


class Experiment(Strict):
    """Something measured beside the runs: `python -m replications.<replication>.<experiment>`."""

    histories: list[str] = []
    """The runs whose histories it reads; it is made anew when they are."""
    options: dict[str, Any] = {}
    """Its settings; a study lays its own over them."""


class Study(Strict):
    """One size of the replication: which runs, how many seeds, what differs from the base."""

    seeds: Positive
    like: str | None = None
    """Another study, whose runs, settings and dataset it takes as far as it has none of its own."""
    runs: list[str] | None = None
    tasks: list[str] | None = None
    """The only tasks; a run with others goes without them, and one with none of these is left out.
    """
    settings: dict[str, Any] = {}
    experiments: dict[str, dict[str, Any]] = {}
    """What differs in the options of the experiments."""
    dataset: DatasetName | None = None
    """Another dataset than the replication's."""


class Replication(Strict):
    """The content of a `replication.yaml`."""

    title: str
    korean: str
    """The title in the paper's sentences."""
    paper: str
    part_of: str | None = None
    """The replication of the same paper that this one belongs to, and is built with."""
    order: int
    dataset: DatasetName
    headline: dict[str, str]
    """The primary metric of each task."""
    averaged: dict[str, list[str]] = {}
    """The metrics of a task that delta_m averages; of a task that is not named, all of them."""
    columns: list[str]
    """What the results table shows, as `task.metric`."""
    reference: str
    """The multi-task run whose delta_m the abstract quotes."""
    settings: dict[str, Any]
    runs: dict[str, Run]
    studies: dict[str, Study]
    experiments: dict[str, Experiment] = {}
    figures: list[str] = []
    """Figures of its own: functions of that name in its `figures.py`."""
    claims: dict[str, Claim] = {}

    @model_validator(mode="after")
    def _names_exist(self) -> Replication:
        if not isinstance(self.settings.get("tasks"), Mapping):
            raise ValueError("settings.tasks must map each task to its options")
        for study_name, study in self.studies.items():
            for run_name in study.runs or []:
                self._known_run(run_name, f"studies.{study_name}.runs")
            for task in study.tasks or []:
                self._known_task(task, f"studies.{study_name}.tasks")
            for experiment in study.experiments:
                self._known_experiment(experiment, f"studies.{study_name}.experiments")
            if study.like is not None and (
                study.like not in self.studies or self.studies[study.like].like
            ):
                raise ValueError(
                    f"studies.{study_name}.like: '{study.like}' is no study that stands on its own"
                )
        for name, run in self.runs.items():
            for task in run.trained:
                self._known_task(task, f"runs.{name}.tasks")
        for number, claim in self.claims.items():
            named = [run for c in claim.better for run in c.runs]
            named += [saving.run for saving in claim.cheaper]
            for run_name in [*named, *(claim.agree.runs if claim.agree else [])]:
                self._known_run(run_name, f"claims.{number}")
            for bound in claim.measured:
                self._known_experiment(bound.experiment, f"claims.{number}.measured")
            for c in claim.better:
                for metric in filter(None, (c.metric, c.beyond)):
                    _known_metric(c.task, metric, f"claims.{number}.better")
        for name, spec in self.experiments.items():
            for run_name in spec.histories:
                self._known_run(run_name, f"experiments.{name}.histories")
        self._known_run(self.reference, "reference")
        for task, metric in self.headline.items():
            _known_metric(task, metric, "headline")
        for task, metrics in self.averaged.items():
            for metric in metrics:
                _known_metric(task, metric, "averaged")
        for column in self.columns:
            task, _, metric = column.partition(".")
            _known_metric(task, metric, "columns")
        return self

    def _known_run(self, run: str, where: str) -> None:
        if run not in self.runs:
            raise ValueError(f"{where}: unknown run '{run}'; known: {', '.join(self.runs)}")

    def _known_task(self, task: str, where: str) -> None:
        if task not in self.settings["tasks"]:
            known = ", ".join(self.settings["tasks"])
            raise ValueError(f"{where}: unknown task '{task}'; settings.tasks has: {known}")

    def _known_experiment(self, name: str, where: str) -> None:
        if name not in self.experiments:
            known = ", ".join(self.experiments) or "none"
            raise ValueError(f"{where}: unknown experiment '{name}'; known: {known}")


def _known_metric(task: str, metric: str, where: str) -> None:
    metrics_of = TASK_METRICS | {ALL_TASKS: tuple(f"delta_m_{d}" for d in get_args(DeltaM))}
    if metric not in metrics_of.get(task, ()):
        known = [f"{t}.{m}" for t, metrics in metrics_of.items() for m in metrics]
        raise ValueError(f"{where}: unknown metric '{task}.{metric}'; known: {', '.join(known)}")


class Plan(Strict):
    """A replication inside a study: what will be trained, with what."""

    name: str
    study: str
    replication: Replication
    dataset: DatasetName
    settings: Settings
    seeds: int
    runs: dict[str, Run]
    experiments: dict[str, Experiment]

    def single_of(self, task: str, run: str) -> str:
        """Name of the single-task run that matches `run` on `task`: trained on the same labels,
        and with the same changes to the model where there is such a run."""
        return _single_of(self.runs, task, self.runs[run]) or ""

    def model_of(self, run: str) -> dict[str, Any]:
        """The model's settings as the run changes them."""
        return _model_of(self.settings, self.runs[run])

    def experiment_fingerprint(self, experiment: str) -> str:
        """Hash of what the experiment is made with; a change makes it anew."""
        return _digest([self.seeds, self.experiments[experiment].model_dump(mode="json")])

    def digest(self) -> str:
        """Hash of the whole plan; tables and figures are made anew when it changes."""
        return _digest(self.model_dump(mode="json"))

    def run_fingerprint(self, run: str) -> str:
        """Hash of what the run is trained with; a change retrains it."""
        spec = self.runs[run].model_dump(mode="json", exclude={"title"})
        settings = self.settings.model_dump(mode="json")
        if self.runs[run].labels == "shared":
            own = self.runs[run].trained
            settings["tasks"] = {task: settings["tasks"][task] for task in own}
        return _digest([settings, spec])


class StudyConfig(Strict):
    """The content of `config/config.yaml`."""

    study: str
    replications: Literal["all"] | list[str] = "all"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Positive = 1


def load_plans(config: Mapping[str, Any]) -> tuple[StudyConfig, dict[str, Plan]]:
    """The study's configuration and the plan of each replication in it.

    Raises:
        StudyError: naming file, key, value and what is allowed.
    """
    path = REPLICATIONS.parent / "config" / "config.yaml"
    study = _checked(StudyConfig, config, path)
    names = replication_names() if study.replications == "all" else study.replications
    return study, {name: load_plan(name, study.study) for name in names}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def replication_names() -> list[str]:
    """Every folder under `replications/` with a `replication.yaml`, in the order they state."""
    folders = [path.parent.name for path in REPLICATIONS.glob("*/replication.yaml")]
    return sorted(folders, key=lambda name: (load_replication(name).order, name))


def load_replication(name: str) -> Replication:
    """Read and check `replications/<name>/replication.yaml`.

    Raises:
        StudyError: naming file, key, value and what is allowed.
    """
    path = REPLICATIONS / name / "replication.yaml"
    if not path.is_file():
        raise StudyError(f"no replication '{name}': {_shown(path)} does not exist")
    return _checked(Replication, _read_yaml(path), path)


def load_plan(name: str, study: str) -> Plan:
    """The plan of one replication in one study: base settings with the study's laid over them.

    Raises:
        StudyError: naming file, key, value and what is allowed.
    """
    path = REPLICATIONS / name / "replication.yaml"
    replication = load_replication(name)
    if study not in replication.studies:
        raise StudyError(
            f"{_shown(path)}: no study '{study}' under 'studies'; "
            f"it has: {', '.join(replication.studies)}"
        )
    chosen = _completed(replication.studies[study], replication.studies)
    merged = _overlaid(replication.settings, chosen.settings)
    settings = _checked(Settings, merged, path, f"settings with studies.{study}.settings")
    dataset = chosen.dataset or replication.dataset
    _check_fits(dataset, settings, path)
    names = chosen.runs or list(replication.runs)
    runs = {run: replication.runs[run] for run in names}
    if chosen.tasks is not None:
        runs = _of_tasks(runs, chosen.tasks, path, f"studies.{study}.tasks")
    for run_name, run in runs.items():
        _check_model_options(name, _model_of(settings, run), path)
        for task in run.tasks:
            if _single_of(runs, task, run) is None:
                raise StudyError(
                    f"{_shown(path)}: studies.{study}.runs: '{run_name}' has task '{task}' but no "
                    f"run trains '{task}' alone on {run.labels} labels, so nothing matches it; "
                    "add that single-task run"
                )
    if replication.reference not in runs:
        raise StudyError(
            f"{_shown(path)}: studies.{study}.runs: '{replication.reference}', the reference, is "
            "not among them"
        )
    experiments = {
        experiment: Experiment(
            histories=[run for run in spec.histories if run in runs],
            options=_overlaid(spec.options, chosen.experiments.get(experiment, {})),
        )
        for experiment, spec in replication.experiments.items()
    }
    return Plan(
        name=name,
        study=study,
        replication=replication,
        dataset=dataset,
        settings=settings,
        seeds=chosen.seeds,
        runs=runs,
        experiments=experiments,
    )


def _completed(study: Study, studies: Mapping[str, Study]) -> Study:
    """The study with what it takes from the one it is like."""
    if study.like is None:
        return study
    other = studies[study.like]
    return study.model_copy(
        update={
            "runs": study.runs or other.runs,
            "tasks": study.tasks or other.tasks,
            "settings": _overlaid(other.settings, study.settings),
            "experiments": _overlaid(other.experiments, study.experiments),
            "dataset": study.dataset or other.dataset,
        }
    )


def _of_tasks(
    runs: Mapping[str, Run], tasks: Sequence[str], path: Path, where: str
) -> dict[str, Run]:
    """The runs without any task but `tasks`."""
    kept = {name: [task for task in run.tasks if task in tasks] for name, run in runs.items()}
    return {
        name: _checked(Run, runs[name].model_dump() | {"tasks": own}, path, f"{where}: runs.{name}")
        for name, own in kept.items()
        if own
    }


def _check_fits(dataset: DatasetName, settings: Settings, path: Path) -> None:
    """Refuse a size or an augmentation of pictures for molecules, and the reverse."""
    numbers, meaning = (3, "train, val, test") if dataset in MOLECULES else (2, "H, W")
    if len(settings.size) != numbers:
        raise StudyError(
            f"{_shown(path)}: settings.size: {dataset} needs {numbers} numbers ({meaning}), "
            f"found {list(settings.size)}"
        )
    augments = settings.augmentation.flip or max(settings.augmentation.zoom) > 1
    if dataset in MOLECULES and augments:
        raise StudyError(
            f"{_shown(path)}: settings.augmentation: {dataset} has no pictures to augment; "
            "set flip: false and no zoom"
        )


def _single_of(runs: Mapping[str, Run], task: str, run: Run) -> str | None:
    """See `Plan.single_of`; None where no run matches."""
    alone = [n for n, r in runs.items() if r.trained == [task] and r.labels == run.labels]
    same = [n for n in alone if runs[n].model == run.model]
    return next(iter(same + alone), None)


def _model_of(settings: Settings, run: Run) -> dict[str, Any]:
    """See `Plan.model_of`."""
    own = run.model | ({"auxiliary": run.auxiliary} if run.auxiliary else {})
    return _overlaid(settings.model, own)


def model_options(name: str, options: Mapping[str, Any]) -> Any:
    """The model's settings as the replication's own `ModelOptions` (its `options.py`)."""
    module = importlib.import_module(f"replications.{name}.options")
    return module.ModelOptions.model_validate(options)


def _check_model_options(name: str, options: Mapping[str, Any], path: Path) -> None:
    try:
        model_options(name, options)
    except ValidationError as error:
        raise StudyError(_explained(error, path, "settings.model")) from None


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise StudyError(f"{_shown(path)}: not valid YAML: {error}") from None


def _checked(model: type[Model], value: Any, path: Path, where: str = "") -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise StudyError(_explained(error, path, where, model)) from None


def _explained(
    error: ValidationError, path: Path, where: str, model: type[BaseModel] | None = None
) -> str:
    lines = []
    for problem in error.errors():
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"unknown key{_allowed(model, problem['loc'])}"
        if problem["type"] != "missing" and problem["loc"]:
            message += f" (found: {_brief(problem['input'])})"
        # A check of the whole specification has no key of its own; its message names one.
        key = ".".join(str(part) for part in problem["loc"])
        lines.append(": ".join(part for part in (_shown(path), where, key, message) if part))
    return "\n       ".join(lines)


def _allowed(model: type[BaseModel] | None, loc: tuple[int | str, ...]) -> str:
    """The keys allowed where an unknown one was found, as far as the model's fields tell."""
    current: Any = model
    for part in loc[:-1]:
        field = getattr(current, "model_fields", {}).get(part)
        current = next(_models_in(field.annotation), None) if field else current
    fields = getattr(current, "model_fields", None)
    return f"; allowed: {', '.join(fields)}" if fields else ""


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models_in(part)


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid on it, key by key, down through nested mappings."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _overlaid(merged[key], value) if both else value
    return merged


def _shown(path: Path) -> str:
    """`path` as the user would type it from the project's top."""
    return path.relative_to(REPLICATIONS.parent).as_posix()
