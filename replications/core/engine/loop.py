"""The training loop: one for single- and multi-task runs, exact in resuming."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from replications.core.data.augment import augment
from replications.core.data.batches import Split
from replications.core.engine import checkpoint
from replications.core.engine.draws import draws, least_samples
from replications.core.engine.evaluate import evaluate
from replications.core.engine.progress import Progress
from replications.core.engine.schedule import learning_rate_factor
from replications.core.errors import StudyError
from replications.core.nets.shared_trunk import Features, SharedTrunk
from replications.core.spec import Optimizer, Run, Settings
from replications.core.tasks.base import Task, available
from replications.core.weighting.base import GradientError, Weighting
from replications.core.weighting.task_gradients import cuttable

_RECORDS = 100
"""Rows of the history: a record is the mean over steps / 100 steps. The first step, at which the
runs of a seed are still alike, has a record of its own."""


@dataclass
class Training:
    """All that changes while a run trains."""

    model: SharedTrunk
    weighting: Weighting
    optimizer: torch.optim.Optimizer
    done: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    def state(self, fingerprint: str) -> checkpoint.State:
        """What a checkpoint holds."""
        return {
            "fingerprint": fingerprint,
            "model": self.model.state_dict(),
            "weighting": self.weighting.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "done": self.done,
            "seconds": self.seconds,
            "history": self.history,
        }

    def restore(self, state: checkpoint.State) -> None:
        """Take up a checkpoint's state."""
        self.model.load_state_dict(state["model"])
        self.weighting.load_state_dict(state["weighting"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.seconds = state["done"], state["seconds"]
        self.history = state["history"]


@dataclass(frozen=True)
class Job:
    """What is trained on what; does not change while it trains."""

    name: str
    tasks: dict[str, Task]
    auxiliary: dict[str, Task]
    """Tasks with a loss alone; see `Run.auxiliary`."""
    run: Run
    settings: Settings
    seed: int
    device: torch.device
    train: Split
    val: Split
    checkpoint_path: Path
    fingerprint: str


def build_optimizer(options: Optimizer, model: nn.Module, weighting: nn.Module) -> Any:
    """The optimiser over the model and, without weight decay, the weighting's own parameters."""
    groups = [
        {"params": list(model.parameters()), "weight_decay": options.weight_decay},
        {"params": list(weighting.parameters()), "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if options.name == "sgd":
        return torch.optim.SGD(
            groups,
            lr=options.lr,
            momentum=options.momentum,
            nesterov=options.nesterov,
            fused=True,
        )
    adam = torch.optim.Adam if options.name == "adam" else torch.optim.AdamW
    return adam(groups, lr=options.lr, fused=True)


def train(job: Job, training: Training) -> None:
    """Train to the last step, from the last checkpoint if there is one that fits.

    Raises:
        StudyError: a loss or a task's gradient is NaN or infinite; names step, task and the last
            good checkpoint.
    """
    settings = job.settings
    n_samples = least_samples(job.run, settings, len(job.train))
    if settings.batch_size > n_samples:
        raise StudyError(
            f"batch_size {settings.batch_size} exceeds the {n_samples} training samples"
        )
    state, why_not = checkpoint.load(job.checkpoint_path, job.fingerprint, job.device)
    if state is not None:
        training.restore(state)
    progress = Progress(job.name, training.done, settings.steps)
    progress.say(f"resumed at step {training.done}" if state else f"starting ({why_not})")
    interval = max(1, settings.steps // _RECORDS)
    save_every = interval * math.ceil(settings.checkpoint_every / interval)
    window: list[dict[str, Tensor]] = []
    began = time.monotonic()
    training.model.train()
    while training.done < settings.steps:
        window.append(_step(job, training))
        training.done += 1
        if training.done == 1 or training.done % interval == 0 or training.done == settings.steps:
            losses = _record(job, training, window)
            window = []
            progress.step(training.done, losses)
        if training.done in _validation_steps(settings):
            _validate(job, training)
        if training.done % save_every == 0 or training.done == settings.steps:
            began, training.seconds = _lap(began, training.seconds)
            checkpoint.save(job.checkpoint_path, training.state(job.fingerprint), job.device)


def _lap(began: float, seconds: float) -> tuple[float, float]:
    now = time.monotonic()
    return now, seconds + now - began


def _validation_steps(settings: Settings) -> set[int]:
    return {
        round(settings.steps * (k + 1) / settings.validations) for k in range(settings.validations)
    }


def _step(job: Job, training: Training) -> dict[str, Tensor]:
    """One optimiser step; its losses and what the weighting reports, left on the device."""
    settings, step = job.settings, training.done
    for group in training.optimizer.param_groups:
        group["lr"] = settings.optimizer.lr * learning_rate_factor(
            settings.schedule, step, settings.steps
        )
    tasks = job.tasks | job.auxiliary
    losses: dict[str, Tensor] = {}
    shared: list[Tensor] = []
    for draw in draws(job.run, settings, len(job.train), job.seed, step):
        batch = augment(job.train.batch(draw.indices), settings.augmentation, job.seed, step)
        half = settings.precision == "bfloat16"
        with torch.autocast(job.device.type, torch.bfloat16, enabled=half):
            features = cuttable(training.model.encode(batch.inputs))
            size = (batch.inputs.shape[-2], batch.inputs.shape[-1])
            predictions = training.model.supervised(features, size, [*draw.tasks, *job.auxiliary])
        shared += [features] if isinstance(features, Tensor) else features
        for name, found in predictions.items():
            task = tasks[name]
            if available(task, batch.labels):
                terms = [task.loss(p.float(), batch.labels) for p in found]
                losses[name] = job.run.loss_scale.get(name, 1.0) * torch.stack(terms).sum()
    training.optimizer.zero_grad(set_to_none=True)
    together: Features = shared[0] if len(shared) == 1 else tuple(shared)
    try:
        record = training.weighting.backward(losses, together, training.model)
    except GradientError as error:
        _stop(job, f"the gradient of task '{error.task}' is NaN or infinite", step)
    if settings.clip_grad_norm is not None:
        nn.utils.clip_grad_norm_(training.model.parameters(), settings.clip_grad_norm)
    training.optimizer.step()
    return {f"loss_{name}": loss.detach() for name, loss in losses.items()} | record


def _record(job: Job, training: Training, window: list[dict[str, Tensor]]) -> dict[str, float]:
    """Check the losses of the window, add its mean to the history, return the mean losses."""
    names = sorted({name for record in window for name in record if name.startswith("loss_")})
    means = {}
    for name in names:
        first = training.done - len(window)
        losses = [(first + i, r[name]) for i, r in enumerate(window) if name in r]
        values = torch.stack([loss for _, loss in losses]).double().cpu()
        bad = (~values.isfinite()).nonzero()
        if len(bad):
            task, value = name.removeprefix("loss_"), values[bad[0]].item()
            _stop(job, f"the loss of task '{task}' is {value}", losses[int(bad[0])][0])
        means[name] = values.mean().item()
    last = {k: float(v) for k, v in window[-1].items() if k not in means}
    rate = training.optimizer.param_groups[0]["lr"]
    training.history.append({"step": training.done, "lr": rate} | means | last)
    return {name.removeprefix("loss_"): mean for name, mean in means.items()}


def _stop(job: Job, found: str, step: int) -> NoReturn:
    path = job.checkpoint_path
    last_good = f"the last good checkpoint is {path}" if path.exists() else "no checkpoint yet"
    raise StudyError(
        f"{job.name}: {found} at step {step}; {last_good}. "
        "A smaller learning rate or clip_grad_norm in replication.yaml is the usual cure."
    )


def _validate(job: Job, training: Training) -> None:
    """Add the metrics on the validation split to the last row of the history."""
    metrics = evaluate(training.model, job.tasks, job.val)
    columns = {
        f"val_{task}_{metric}": value.value
        for task, found in metrics.items()
        for metric, value in found.items()
    }
    row: dict[str, float] = {"step": training.done}
    if training.history and training.history[-1]["step"] == training.done:
        row = training.history.pop()
    training.history.append(row | columns)
