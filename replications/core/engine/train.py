"""Train one run of a replication with one seed and leave its run folder.

A killed training resumes from its checkpoint and ends in the same metrics, bit for bit. What is in
the folder already stays until all of the new is there.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from replications.core.data.batches import (
    Decoding,
    Description,
    Split,
    read_description,
    read_split,
)
from replications.core.engine import checkpoint
from replications.core.engine.compiler import leave_compiler_out
from replications.core.engine.cost import inference_cost, peak_memory_mb
from replications.core.engine.devices import training_device
from replications.core.engine.draws import least_samples
from replications.core.engine.evaluate import TaskMetrics, evaluate, examples
from replications.core.engine.loop import Job, Training, train
from replications.core.engine.phases import stretches
from replications.core.engine.provenance import provenance
from replications.core.errors import StudyError, run_command
from replications.core.files import write_json
from replications.core.nets.learner import Learner
from replications.core.spec import DatasetOptions, Plan, load_plan, origin, written
from replications.core.spec.layout import MEASURED, ORIGIN
from replications.core.tasks.base import Task
from replications.core.weighting.base import Context, Weighting


@dataclass(frozen=True)
class Arguments:
    """The command line."""

    replication: str
    study: str
    run: str
    seed: int
    data: Path | None
    output: Path
    checkpoint: Path
    device: str
    threads: int
    per_gpu: int = 1


def parse_arguments() -> Arguments:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replication", required=True, help="folder under replications/")
    parser.add_argument("--study", required=True, help="a study of its replication.yaml")
    parser.add_argument("--run", required=True, help="a run of its replication.yaml")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--data", type=Path, help="prepared dataset; default: that of the study")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="run folder to write; runs that this one needs are beside it, as `../../<run>/<seed>`",
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="where to keep the state")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch")
    parser.add_argument("--per-gpu", type=int, default=1, help="trainings at once on a CUDA device")
    return Arguments(**vars(parser.parse_args()))


def main() -> None:
    """Command line."""
    arguments = parse_arguments()
    leave_compiler_out()
    plan = load_plan(arguments.replication, arguments.study)
    if arguments.run not in plan.runs:
        raise StudyError(
            f"study '{plan.study}' of {plan.name} has no run '{arguments.run}'; "
            f"it has: {', '.join(plan.runs)}"
        )
    with (
        checkpoint.exclusive(arguments.checkpoint),
        training_device(arguments.device, arguments.threads, arguments.per_gpu) as device,
    ):
        train_run(plan, arguments, device)


def train_run(plan: Plan, arguments: Arguments, device: torch.device) -> None:
    """Train, evaluate and write the run folder.

    The training split is measured on as many of its samples as the test split has. A run that
    differs from what the folder holds in the conditions of its evaluation alone is not trained.
    """
    dataset = read_description(_data(plan, arguments))
    made_from = origin_of(plan, arguments, dataset, device)
    job, training = prepare_job(plan, arguments, dataset, device)
    earlier = _trained_before(arguments.output, made_from)
    if earlier:
        print(f"[{job.name}] trained before, evaluated anew", file=sys.stderr, flush=True)
        training.learner.load_state_dict(checkpoint.read(arguments.output / "model.pt", device))
        costs = json.loads((arguments.output / "cost.json").read_text(encoding="utf-8"))
    else:
        train(job, training)
        costs = _training_costs(plan, arguments, training, device)
    test = _split(plan, arguments, "test", job.tasks, device)
    conditions = plan.settings_of(arguments.run).conditions
    metrics = {
        "train": evaluate(training.learner, job.tasks, job.train, job.seed, limit=len(test)),
        "val": evaluate(training.learner, job.tasks, job.val, job.seed),
        "test": evaluate(training.learner, job.tasks, test, job.seed, complete=True),
        **{
            f"test at {written(at)}": evaluate(
                training.learner, job.tasks, test, job.seed, complete=True, condition=at
            )
            for at in conditions
        },
    }
    with _replacing_folder(arguments.output) as folder:
        if earlier:
            shutil.copyfile(arguments.output / "history.csv", folder / "history.csv")
        else:
            _save_history(folder / "history.csv", training.history)
        with (folder / "examples.npz").open("wb") as file:
            arrays = examples(training.learner, job.tasks, test, job.seed)
            np.savez_compressed(file, allow_pickle=False, **arrays)
        checkpoint.write(folder / "model.pt", training.learner.state_dict())
        separate = [
            _learner(plan, plan.single_of(task, arguments.run), arguments, dataset, device, False)
            for task in (job.tasks if len(job.tasks) > 1 else [])
        ]
        sample = test.batch(torch.tensor([0])).inputs
        write_json(folder / "cost.json", costs | inference_cost(training.learner, sample, separate))
        write_json(folder / "metrics.json", _as_json(metrics))
        record = _identity(plan, arguments) | {
            "data": {"name": dataset.name, "md5": dataset.md5},
            "source_hash": made_from["source"],
            "origin": made_from,
            "definition": plan.specification(arguments.run),
            **provenance(device),
        }
        origin.seal(folder, MEASURED, record)
    job.checkpoint_path.unlink(missing_ok=True)


def prepare_job(
    plan: Plan, arguments: Arguments, dataset: Description, device: torch.device
) -> tuple[Job, Training]:
    """The job and its initial state, on the prepared data."""
    spec, data = plan.runs[arguments.run], plan.settings_of(arguments.run).data
    if (dataset.name, dataset.variant) != (data.name, data.variant):
        raise StudyError(
            f"{_data(plan, arguments)} is {dataset.name} prepared at {dataset.variant}, study "
            f"'{plan.study}' asks for {data.name} at {data.variant}; prepare that"
        )
    tasks = build_tasks(plan, arguments.run, dataset)
    validated = {name: tasks[name] for name in spec.tasks}
    torch.manual_seed(arguments.seed)
    return assemble(
        plan,
        arguments.run,
        arguments.seed,
        tasks,
        _learner(plan, arguments.run, arguments, dataset, device),
        _split(plan, arguments, "train", tasks, device),
        _split(plan, arguments, "val", validated, device),
        arguments.checkpoint,
        json.dumps(origin_of(plan, arguments, dataset, device), sort_keys=True),
    )


def assemble(
    plan: Plan,
    run: str,
    seed: int,
    tasks: Mapping[str, Task],
    learner: Learner,
    train_split: Split,
    val_split: Split,
    checkpoint_path: Path,
    fingerprint: str,
) -> tuple[Job, Training]:
    """A job and its initial state of what they are made of; `tasks`: those with a loss."""
    spec, settings = plan.runs[run], plan.settings_of(run)
    job = Job(
        name=f"{plan.name}/{run} seed {seed}",
        tasks={name: tasks[name] for name in spec.tasks},
        auxiliary={name: tasks[name] for name in spec.auxiliary},
        run=spec,
        settings=settings,
        seed=seed,
        device=train_split.device,
        train=train_split,
        val=val_split,
        checkpoint_path=checkpoint_path,
        fingerprint=fingerprint,
    )
    # Fewer samples than a batch holds are refused when training starts.
    epoch = max(1, least_samples(spec, settings, len(train_split)) // settings.batch_size)
    weighting = build_weighting(plan, run, tasks, train_split.device, epoch)
    return job, Training(learner, weighting, stretches(spec, settings))


def build_tasks(plan: Plan, run: str, dataset: Description) -> dict[str, Task]:
    """The tasks of a run with a loss."""
    options = plan.settings_of(run).tasks
    return {
        name: options[name].load(options[name].implementation)(name, options[name], dataset)
        for name in plan.runs[run].trained
    }


def build_weighting(
    plan: Plan, run: str, tasks: Mapping[str, Task], device: torch.device, epoch: int
) -> Weighting:
    """The weighting of a run; `epoch`: steps that make one pass over the training samples."""
    options = plan.runs[run].weighting
    context = Context(tasks, device, plan.settings_of(run).steps, epoch)
    weighting: Weighting = options.load(options.implementation)(options, context)
    return weighting


def build_learner(
    plan: Plan,
    run: str,
    tasks: Mapping[str, Task],
    seed: int,
    device: torch.device,
    needs: Mapping[str, Learner] | None = None,
) -> Learner:
    """The learner of a run at the start of its training: `build_model` of the replication's
    `model.py`, which is given the learners that the run needs, if it needs any, as `needs`."""
    build_model = importlib.import_module(f"replications.{plan.name}.model").build_model
    channels = {name: task.channels for name, task in tasks.items()}
    given = {"needs": needs} if needs else {}
    learner: Learner = build_model(channels, plan.model_of(run), seed, **given)
    return learner.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def origin_of(
    plan: Plan, arguments: Arguments, dataset: Description, device: torch.device
) -> origin.Origin:
    """What the run is made from."""
    own = origin.of_run(plan, arguments.run, arguments.threads, device.type)
    own |= {"data": dataset.hash, "seed": arguments.seed}
    needs = {
        role: origin.verified(folder, ["model.pt"])["files"]["model.pt"]
        for role, folder in _needed(plan, arguments, arguments.run).items()
    }
    return own | ({"needs": needs} if needs else {})


def _needed(plan: Plan, arguments: Arguments, run: str) -> dict[str, Path]:
    """The run folders of what a run needs."""
    beside = arguments.output.parent.parent
    needs = plan.runs[run].needs
    return {role: beside / needed / str(arguments.seed) for role, needed in needs.items()}


def _learner(
    plan: Plan,
    run: str,
    arguments: Arguments,
    dataset: Description,
    device: torch.device,
    trained: bool = True,
) -> Learner:
    """The learner of a run at the start of its training, made from those that it needs; these are
    `trained` unless only its cost matters."""
    needs = {}
    for role, folder in _needed(plan, arguments, run).items():
        learner = _learner(plan, plan.runs[run].needs[role], arguments, dataset, device, trained)
        if trained:
            learner.load_state_dict(checkpoint.read(folder / "model.pt", device))
        needs[role] = learner.eval().requires_grad_(False)
    tasks = build_tasks(plan, run, dataset)
    return build_learner(plan, run, tasks, arguments.seed, device, needs)


def _split(
    plan: Plan, arguments: Arguments, split: str, tasks: Mapping[str, Task], device: torch.device
) -> Split:
    data = plan.settings_of(arguments.run).data
    labels = {label for task in tasks.values() for label in task.labels}
    folder = _data(plan, arguments)
    return read_split(folder, split, labels, device, build_decoding(data))


def _data(plan: Plan, arguments: Arguments) -> Path:
    """Where the prepared dataset of the run lies."""
    return arguments.data or Path(plan.settings_of(arguments.run).data.folder)


def build_decoding(data: DatasetOptions) -> Decoding:
    """How samples of a dataset are decoded and augmented."""
    decoding: Decoding = data.load(data.implementation)(data)
    return decoding


def _training_costs(
    plan: Plan, arguments: Arguments, training: Training, device: torch.device
) -> dict[str, Any]:
    """Seconds of the training, and with those of all runs behind it; memory; the weighting's."""
    behind: set[Path] = set()
    ahead = [arguments.run]
    while ahead:
        run = ahead.pop()
        behind |= set(_needed(plan, arguments, run).values())
        ahead += plan.runs[run].needs.values()
    needed = [
        json.loads((folder / "cost.json").read_text(encoding="utf-8"))["own_training_s"]
        for folder in behind
    ]
    return {
        "own_training_s": training.seconds,
        "training_s": training.seconds + sum(needed),
        "peak_memory_mb": peak_memory_mb(device),
        **training.weighting.cost(),
    }


def _trained_before(folder: Path, made_from: origin.Origin) -> bool:
    """Whether the folder holds this very training, evaluated under other conditions."""
    found = origin.read(folder / ORIGIN).get("origin") or {}
    differing = {key for key in {*found, *made_from} if found.get(key) != made_from.get(key)}
    whole = not origin.is_stale(folder, {})
    return differing == {"evaluated_at"} and whole and bool(origin.verified(folder))


@contextmanager
def _replacing_folder(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder`, which takes its place if the block succeeds."""
    new, old = (folder.with_name(f".{folder.name}.{word}") for word in ("new", "old"))
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _save_history(path: Path, history: list[dict[str, float]]) -> None:
    columns = list(dict.fromkeys(name for row in history for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(history)


def _as_json(metrics: dict[str, TaskMetrics]) -> dict[str, Any]:
    """{split: {task: {metric: {value, unit, higher_is_better}}}}; the test split under a condition
    is one of its own."""
    return {
        split: {
            task: {name: asdict(metric) for name, metric in found.items()}
            for task, found in tasks.items()
        }
        for split, tasks in metrics.items()
    }


def _identity(plan: Plan, arguments: Arguments) -> dict[str, Any]:
    return {
        "replication": plan.name,
        "study": plan.study,
        "run": arguments.run,
        "role": plan.runs[arguments.run].role,
        "seed": arguments.seed,
    }


if __name__ == "__main__":
    run_command(main)
