"""Tasks, weighting, learner and data of a run, as its plan describes them."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from replications.core.data.batches import Decoding, Description, Split, read_split
from replications.core.engine import checkpoint
from replications.core.engine.draws import least_samples
from replications.core.engine.loop import Job, Training
from replications.core.engine.phases import stretches
from replications.core.nets.learner import Learner
from replications.core.spec import ITSELF, DatasetOptions, Plan
from replications.core.tasks.base import Task
from replications.core.weighting.base import Context, Weighting


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
    weighting.lr = options.lr
    return weighting


def build_learner(
    plan: Plan,
    run: str,
    tasks: Mapping[str, Task],
    seed: int,
    device: torch.device,
    needs: Mapping[str, Learner] | None = None,
) -> Learner:
    """The learner of a run at the start of its training: what it trains on, or `build_model` of the
    replication's `model.py`, which is given the learners that the run needs, if it needs any, as
    `needs`."""
    if needs and ITSELF in needs:
        return copy.deepcopy(needs[ITSELF]).requires_grad_(True)
    build_model = importlib.import_module(f"replications.{plan.owner(run).name}.model").build_model
    channels = {name: task.channels for name, task in tasks.items()}
    given = {"needs": needs} if needs else {}
    learner: Learner = build_model(channels, plan.model_of(run), seed, **given)
    return learner.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def new_learner(
    plan: Plan,
    run: str,
    dataset: Description,
    seed: int,
    device: torch.device,
    trained: Callable[[str], Path] | None = None,
) -> Learner:
    """The learner of a run at the start of its training, made from those that it needs.

    `trained` gives the folder with the weights of a run that is needed; without it these are
    untrained, which is enough for shapes and costs.
    """
    needs = {}
    for role, needed in plan.runs[run].needs.items():
        learner = new_learner(plan, needed, dataset, seed, device, trained)
        if trained:
            learner.load_state_dict(checkpoint.read(trained(needed) / "model.pt", device))
        needs[role] = learner.eval().requires_grad_(False)
    tasks = build_tasks(plan, run, dataset)
    return build_learner(plan, run, tasks, seed, device, needs)


def build_decoding(data: DatasetOptions) -> Decoding:
    """How samples of a dataset are decoded and augmented."""
    decoding: Decoding = data.load(data.implementation)(data)
    return decoding


def build_split(
    data: DatasetOptions, folder: Path, split: str, tasks: Mapping[str, Task], device: torch.device
) -> Split:
    """A split of the dataset prepared in `folder`, with the labels of the tasks."""
    labels = {label for task in tasks.values() for label in task.labels}
    return read_split(folder, split, labels, device, build_decoding(data))
