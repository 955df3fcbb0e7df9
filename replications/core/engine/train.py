"""Train one run of a replication with one seed and leave its run folder.

A killed training resumes from its checkpoint and ends in the same metrics, bit for bit.
"""

from __future__ import annotations

import argparse
import csv
import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from replications.core.data.batches import Description, Split, read_description
from replications.core.engine import checkpoint
from replications.core.engine.compiler import leave_compiler_out
from replications.core.engine.cost import inference_cost, peak_memory_mb
from replications.core.engine.devices import training_device
from replications.core.engine.draws import least_samples
from replications.core.engine.evaluate import TaskMetrics, evaluate, examples
from replications.core.engine.loop import Job, Training, build_optimizer, train
from replications.core.engine.provenance import provenance
from replications.core.engine.source import training_hash
from replications.core.errors import StudyError, run_command
from replications.core.files import replacing, write_json
from replications.core.nets.shared_trunk import SharedTrunk
from replications.core.spec import Plan, load_plan, model_options
from replications.core.tasks.base import Task
from replications.core.tasks.registry import build_task
from replications.core.weighting.registry import build_weighting


@dataclass(frozen=True)
class Arguments:
    """The command line."""

    replication: str
    study: str
    run: str
    seed: int
    data: Path
    output: Path
    checkpoint: Path
    device: str
    threads: int


def parse_arguments() -> Arguments:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replication", required=True, help="folder under replications/")
    parser.add_argument("--study", required=True, help="a study of its replication.yaml")
    parser.add_argument("--run", required=True, help="a run of its replication.yaml")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of the prepared dataset")
    parser.add_argument("--output", type=Path, required=True, help="run folder to write")
    parser.add_argument("--checkpoint", type=Path, required=True, help="where to keep the state")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch")
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
        training_device(arguments.device, arguments.threads) as device,
    ):
        run(plan, arguments, device)


def run(plan: Plan, arguments: Arguments, device: torch.device) -> None:
    """Train, evaluate and write the run folder; `metrics.json` comes last.

    The training split is measured on as many of its samples as the test split has.
    """
    dataset = read_description(arguments.data)
    job, training = prepare_job(plan, arguments, dataset, device)
    train(job, training)
    output = arguments.output
    test = Split(arguments.data, "test", _labels(job.tasks), device)
    metrics = {
        "train": evaluate(training.model, job.tasks, job.train, limit=len(test)),
        "val": evaluate(training.model, job.tasks, job.val),
        "test": evaluate(training.model, job.tasks, test, complete=True),
    }
    _write(output / "history.csv", lambda path: _save_history(path, training.history))
    _write(output / "examples.npz", lambda path: _save_examples(path, job, training, test))
    checkpoint.write(output / "model.pt", training.model.state_dict())
    separate = [
        _model(plan, plan.single_of(task, arguments.run), dataset, arguments.seed, device)
        for task in (job.tasks if len(job.tasks) > 1 else [])
    ]
    cost = inference_cost(training.model, test.batch(torch.tensor([0])).inputs, separate)
    cost |= {"training_s": training.seconds, "peak_memory_mb": peak_memory_mb(device)}
    cost |= training.weighting.cost()
    write_json(output / "cost.json", cost)
    write_json(output / "provenance.json", _provenance(plan, arguments, dataset, device))
    write_json(output / "metrics.json", _as_json(metrics))
    job.checkpoint_path.unlink(missing_ok=True)


def prepare_job(
    plan: Plan, arguments: Arguments, dataset: Description, device: torch.device
) -> tuple[Job, Training]:
    """The job and its initial state: data on the device, model, weighting, optimiser."""
    spec, settings = plan.runs[arguments.run], plan.settings
    if dataset.size != settings.size:
        raise StudyError(
            f"{arguments.data} is prepared at size {dataset.size}, study '{plan.study}' asks for "
            f"{settings.size}; prepare the dataset at that size"
        )
    trained = _tasks(plan, arguments.run, dataset)
    tasks = {name: trained[name] for name in spec.tasks}
    torch.manual_seed(arguments.seed)
    model = _model(plan, arguments.run, dataset, arguments.seed, device)
    train_split = Split(arguments.data, "train", _labels(trained), device)
    # Fewer samples than a batch holds are refused when training starts.
    epoch = max(1, least_samples(spec, settings, len(train_split)) // settings.batch_size)
    weighting = build_weighting(spec.weighting, trained, device, settings.steps, epoch)
    job = Job(
        name=f"{plan.name}/{arguments.run} seed {arguments.seed}",
        tasks=tasks,
        auxiliary={name: trained[name] for name in spec.auxiliary},
        run=spec,
        settings=settings,
        seed=arguments.seed,
        device=device,
        train=train_split,
        val=Split(arguments.data, "val", _labels(tasks), device),
        checkpoint_path=arguments.checkpoint,
        fingerprint=_fingerprint(plan, arguments, dataset, device),
    )
    optimizer = build_optimizer(settings.optimizer, model, weighting)
    return job, Training(model, weighting, optimizer)


def _tasks(plan: Plan, run: str, dataset: Description) -> dict[str, Task]:
    """The tasks of a run with a loss."""
    options = plan.settings.tasks
    return {name: build_task(name, options[name], dataset) for name in plan.runs[run].trained}


def _model(
    plan: Plan, run: str, dataset: Description, seed: int, device: torch.device
) -> SharedTrunk:
    """The model of a run at the start of its training."""
    build_model = importlib.import_module(f"replications.{plan.name}.model").build_model
    channels = {name: task.channels for name, task in _tasks(plan, run, dataset).items()}
    model: SharedTrunk = build_model(channels, model_options(plan.name, plan.model_of(run)), seed)
    return model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _labels(tasks: Mapping[str, Task]) -> set[str]:
    return {label for task in tasks.values() for label in task.labels}


def _fingerprint(
    plan: Plan, arguments: Arguments, dataset: Description, device: torch.device
) -> str:
    """What a checkpoint must agree in to be resumed."""
    return "/".join(
        [
            plan.run_fingerprint(arguments.run),
            training_hash(plan.name),
            *dataset.md5.values(),
            f"seed {arguments.seed}",
            f"torch {torch.__version__}",
            f"{device.type}, {arguments.threads} threads",
        ]
    )


def _write(path: Path, write: Any) -> None:
    with replacing(path) as temporary:
        write(temporary)


def _save_history(path: Path, history: list[dict[str, float]]) -> None:
    columns = list(dict.fromkeys(name for row in history for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(history)


def _save_examples(path: Path, job: Job, training: Training, test: Split) -> None:
    with path.open("wb") as file:
        arrays = examples(training.model, job.tasks, test)
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _as_json(metrics: dict[str, TaskMetrics]) -> dict[str, Any]:
    """{split: {task: {metric: {value, unit, higher_is_better}}}}."""
    return {
        split: {
            task: {name: asdict(metric) for name, metric in found.items()}
            for task, found in tasks.items()
        }
        for split, tasks in metrics.items()
    }


def _provenance(
    plan: Plan, arguments: Arguments, dataset: Description, device: torch.device
) -> dict[str, Any]:
    return {
        "replication": plan.name,
        "study": plan.study,
        "run": arguments.run,
        "role": plan.runs[arguments.run].role,
        "seed": arguments.seed,
        "data": {"name": dataset.name, "md5": dataset.md5},
        "source_hash": training_hash(plan.name),
        "settings": plan.settings.model_dump(mode="json"),
        "definition": plan.runs[arguments.run].model_dump(mode="json"),
        **provenance(device),
    }


if __name__ == "__main__":
    run_command(main)
