"""Train one run of a replication with one seed and leave its run folder.

A killed training resumes from its checkpoint and ends in the same metrics, bit for bit. What is in
the folder already stays until all of the new is there.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from replications.core.data.batches import Description, Split, read_description
from replications.core.engine import checkpoint
from replications.core.engine.assembly import assemble, build_split, build_tasks, new_learner
from replications.core.engine.compiler import leave_compiler_out
from replications.core.engine.cost import inference_cost, peak_memory_mb
from replications.core.engine.devices import training_device
from replications.core.engine.evaluate import (
    as_json,
    evaluate,
    evaluate_resampled,
    examples,
)
from replications.core.engine.loop import Job, Training, train
from replications.core.engine.provenance import record
from replications.core.errors import DivergedError, StudyError, run_command
from replications.core.files import write_json
from replications.core.spec import TUNING, Plan, load_plan, origin, written
from replications.core.spec.layout import MEASURED, ORIGIN, run_folder
from replications.core.tasks.base import Task


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
    Where rates are being chosen a training that diverges is a result: a folder without metrics.
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
        try:
            train(job, training)
        except DivergedError as error:
            if plan.study != TUNING:
                raise
            print(f"{error}\n[{job.name}] counts as worst", file=sys.stderr, flush=True)
            _save_diverged(plan, arguments, training, made_from, device)
            return
        costs = _training_costs(plan, arguments, training, device)
    test = _split(plan, arguments, "test", job.tasks, device)
    conditions = plan.settings_of(arguments.run).conditions
    tested, resampled = evaluate_resampled(training.learner, job.tasks, test, job.seed)
    metrics = {
        "train": evaluate(training.learner, job.tasks, job.train, job.seed, limit=len(test)),
        "val": evaluate(training.learner, job.tasks, job.val, job.seed),
        "test": tested,
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
            _save_rows(folder / "history.csv", training.history)
        _save_rows(folder / "resampled.csv", resampled)
        with (folder / "examples.npz").open("wb") as file:
            arrays = examples(training.learner, job.tasks, test, job.seed)
            np.savez_compressed(file, allow_pickle=False, **arrays)
        checkpoint.write(folder / "model.pt", training.learner.state_dict())
        separate = [
            new_learner(plan, plan.single_of(task, arguments.run), dataset, job.seed, device)
            for task in (job.tasks if len(job.tasks) > 1 else [])
        ]
        sample = test.batch(torch.tensor([0])).inputs
        write_json(folder / "cost.json", costs | inference_cost(training.learner, sample, separate))
        write_json(folder / "metrics.json", {n: as_json(m) for n, m in metrics.items()})
        own = _record(plan, arguments, made_from, device)
        own |= {"data": {"name": dataset.name, "md5": dataset.md5}}
        origin.seal(folder, MEASURED, own)
    job.checkpoint_path.unlink(missing_ok=True)


def _save_diverged(
    plan: Plan,
    arguments: Arguments,
    training: Training,
    made_from: origin.Origin,
    device: torch.device,
) -> None:
    """The folder of a run that diverged: what was recorded until then, and no metrics."""
    with _replacing_folder(arguments.output) as folder:
        write_json(folder / "metrics.json", {"train": {}, "val": {}, "test": {}})
        _save_rows(folder / "history.csv", training.history)
        own = _record(plan, arguments, made_from, device)
        origin.seal(folder, ["metrics.json", "history.csv"], own)
    arguments.checkpoint.unlink(missing_ok=True)


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
        new_learner(
            plan,
            arguments.run,
            dataset,
            arguments.seed,
            device,
            lambda needed: _beside(plan, arguments, needed),
        ),
        _split(plan, arguments, "train", tasks, device),
        _split(plan, arguments, "val", validated, device),
        arguments.checkpoint,
        json.dumps(origin_of(plan, arguments, dataset, device), sort_keys=True),
    )


def origin_of(
    plan: Plan, arguments: Arguments, dataset: Description, device: torch.device
) -> origin.Origin:
    """What the run is made from."""
    own = origin.of_run(plan, arguments.run, arguments.threads, device.type)
    own |= {"data": dataset.hash, "seed": arguments.seed}
    needs = {
        role: origin.verified(_beside(plan, arguments, run), ["model.pt"])["files"]["model.pt"]
        for role, run in plan.runs[arguments.run].needs.items()
    }
    return own | ({"needs": needs} if needs else {})


def _beside(plan: Plan, arguments: Arguments, run: str) -> Path:
    """The folder of another run of the same seed."""
    return run_folder(arguments.output.parents[1], plan, run, arguments.seed)


def _split(
    plan: Plan, arguments: Arguments, split: str, tasks: Mapping[str, Task], device: torch.device
) -> Split:
    data = plan.settings_of(arguments.run).data
    return build_split(data, _data(plan, arguments), split, tasks, device)


def _data(plan: Plan, arguments: Arguments) -> Path:
    """Where the prepared dataset of the run lies."""
    return arguments.data or Path(plan.settings_of(arguments.run).data.folder)


def _training_costs(
    plan: Plan, arguments: Arguments, training: Training, device: torch.device
) -> dict[str, Any]:
    """Seconds of the training, and with those of all runs behind it; memory; the weighting's."""
    behind = [_beside(plan, arguments, run) for run in plan.behind(arguments.run)]
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


def _save_rows(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _record(
    plan: Plan, arguments: Arguments, made_from: origin.Origin, device: torch.device
) -> dict[str, Any]:
    """What the run folder says of itself."""
    return record(plan, arguments.run, made_from, device) | {
        "role": plan.runs[arguments.run].role,
        "seed": arguments.seed,
        "definition": plan.specification(arguments.run),
    }


if __name__ == "__main__":
    run_command(main)
