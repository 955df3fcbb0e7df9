"""Plans: a replication inside a study, read and checked."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from replications.core.errors import StudyError
from replications.core.spec import reading
from replications.core.spec.reading import checked, explained, read_yaml, shown
from replications.core.spec.replication import (
    MOLECULES,
    DatasetName,
    Experiment,
    Replication,
    Study,
)
from replications.core.spec.training import Positive, Run, Settings
from replications.core.tasks.options import Strict


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
    path = reading.REPLICATIONS.parent / "config" / "config.yaml"
    study = checked(StudyConfig, config, path)
    names = replication_names() if study.replications == "all" else study.replications
    return study, {name: load_plan(name, study.study) for name in names}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def replication_names() -> list[str]:
    """Every folder under `replications/` with a `replication.yaml`, in the order they state."""
    return sorted(_folders(), key=lambda name: (load_replication(name).order, name))


def _folders() -> list[str]:
    return sorted(path.parent.name for path in reading.REPLICATIONS.glob("*/replication.yaml"))


def load_replication(name: str) -> Replication:
    """Read and check `replications/<name>/replication.yaml`.

    Raises:
        StudyError: naming file, key, value and what is allowed.
    """
    path = reading.REPLICATIONS / name / "replication.yaml"
    if not path.is_file():
        raise StudyError(f"no replication '{name}': {shown(path)} does not exist")
    replication = checked(Replication, read_yaml(path), path)
    if replication.part_of not in (None, *_folders()):
        raise StudyError(
            f"{shown(path)}: part_of: no replication '{replication.part_of}'; "
            f"there are: {', '.join(_folders())}"
        )
    return replication


def load_plan(name: str, study: str) -> Plan:
    """The plan of one replication in one study: base settings with the study's laid over them.

    Raises:
        StudyError: naming file, key, value and what is allowed.
    """
    path = reading.REPLICATIONS / name / "replication.yaml"
    replication = load_replication(name)
    if study not in replication.studies:
        raise StudyError(
            f"{shown(path)}: no study '{study}' under 'studies'; "
            f"it has: {', '.join(replication.studies)}"
        )
    chosen = _completed(replication.studies[study], replication.studies)
    merged = _overlaid(replication.settings, chosen.settings)
    settings = checked(Settings, merged, path, f"settings with studies.{study}.settings")
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
                    f"{shown(path)}: studies.{study}.runs: '{run_name}' has task '{task}' but no "
                    f"run trains '{task}' alone on {run.labels} labels, so nothing matches it; "
                    "add that single-task run"
                )
    if replication.reference not in runs:
        raise StudyError(
            f"{shown(path)}: studies.{study}.runs: '{replication.reference}', the reference, is "
            "not among them"
        )
    experiments = {
        experiment: Experiment(
            alone=spec.alone,
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
        name: checked(Run, runs[name].model_dump() | {"tasks": own}, path, f"{where}: runs.{name}")
        for name, own in kept.items()
        if own
    }


def _check_fits(dataset: DatasetName, settings: Settings, path: Path) -> None:
    """Refuse a size or an augmentation of pictures for molecules, and the reverse."""
    numbers, meaning = (3, "train, val, test") if dataset in MOLECULES else (2, "H, W")
    if len(settings.size) != numbers:
        raise StudyError(
            f"{shown(path)}: settings.size: {dataset} needs {numbers} numbers ({meaning}), "
            f"found {list(settings.size)}"
        )
    augments = settings.augmentation.flip or max(settings.augmentation.zoom) > 1
    if dataset in MOLECULES and augments:
        raise StudyError(
            f"{shown(path)}: settings.augmentation: {dataset} has no pictures to augment; "
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
        raise StudyError(explained(error, path, "settings.model")) from None


def _overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid on it, key by key, down through nested mappings."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _overlaid(merged[key], value) if both else value
    return merged
