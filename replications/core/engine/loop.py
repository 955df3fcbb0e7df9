"""The training loop: one for every role and every phase, exact in resuming."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor, nn

from replications.core.data.batches import Split
from replications.core.engine import checkpoint
from replications.core.engine.draws import draws, least_samples
from replications.core.engine.evaluate import evaluate
from replications.core.engine.phases import Stretch, freeze, optimizer_of, set_mode
from replications.core.engine.progress import Progress
from replications.core.engine.schedule import learning_rate_factor
from replications.core.errors import DivergedError, StudyError
from replications.core.nets.learner import Features, Learner, Moment
from replications.core.spec import Run, Settings
from replications.core.tasks.base import Task
from replications.core.weighting.base import GradientError, Weighting

_RECORDS = 100
"""Rows of the history: a record is the mean over steps / 100 steps. The first step, at which the
runs of a seed are still alike, has a record of its own."""


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


@dataclass
class Training:
    """All that changes while a run trains.

    `finished` counts the phases that are over; `frozen` names the parameters that the one under way
    froze.
    """

    learner: Learner
    weighting: Weighting
    timeline: list[Stretch]
    finished: int = 0
    frozen: set[str] = field(default_factory=set)
    done: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begin()

    @property
    def stretch(self) -> Stretch:
        """The phase under way, or the last."""
        return self.timeline[min(self.finished, len(self.timeline) - 1)]

    def begin(self) -> None:
        """Set the phase under way up: what is frozen, and a fresh optimiser."""
        self.frozen = freeze(self.learner, self.stretch.phase)
        self.optimizer = optimizer_of(self.learner, self.stretch, self.weighting)
        set_mode(self.learner)

    def end(self) -> None:
        """End the phase under way, which thaws what it froze, and begin the next if there is one.

        What the learner then freezes by itself stays frozen.
        """
        parameters = dict(self.learner.named_parameters())
        for name in self.frozen:
            parameters[name].requires_grad_(True)
        self.frozen = set()
        with torch.no_grad():
            self.learner.finish(self.moment(self.done - 1))
        self.finished += 1
        if self.finished < len(self.timeline):
            self.begin()

    def moment(self, step: int) -> Moment:
        """What the learner is told of a step."""
        own, last = self.stretch, self.timeline[-1]
        return Moment(step, last.end, own.phase.name, own.round, last.round + 1)

    def state(self, fingerprint: str) -> checkpoint.State:
        """What a checkpoint holds."""
        return {
            "fingerprint": fingerprint,
            "learner": self.learner.state_dict(),
            "weighting": self.weighting.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "trainable": {name: p.requires_grad for name, p in self.learner.named_parameters()},
            "frozen": sorted(self.frozen),
            "finished": self.finished,
            "done": self.done,
            "seconds": self.seconds,
            "history": self.history,
        }

    def restore(self, state: checkpoint.State) -> None:
        """Take up a checkpoint's state."""
        self.finished, self.done, self.seconds = state["finished"], state["done"], state["seconds"]
        self.history, self.frozen = state["history"], set(state["frozen"])
        self.learner.load_state_dict(state["learner"])
        for name, parameter in self.learner.named_parameters():
            parameter.requires_grad_(state["trainable"][name])
        self.weighting.load_state_dict(state["weighting"])
        if self.finished < len(self.timeline):
            self.optimizer = optimizer_of(self.learner, self.stretch, self.weighting)
            self.optimizer.load_state_dict(state["optimizer"])
            set_mode(self.learner)


def train(job: Job, training: Training) -> None:
    """Train to the last step, from the last checkpoint if there is one that fits.

    Raises:
        DivergedError: a loss or a task's gradient is NaN or infinite; names step, task and the
            last good checkpoint.
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
    validations = _validation_steps(settings)
    window: list[dict[str, Tensor]] = []
    began = time.monotonic()
    while training.done < settings.steps:
        window.append(update(job, training))
        training.done += 1
        last = training.done == settings.steps
        if training.done == 1 or training.done % interval == 0 or last:
            losses = _record(job, training, window)
            window = []
            progress.step(training.done, losses)
        if training.done in validations:
            _validate(job, training)
        # Records are whole at these steps, and so is what a checkpoint holds.
        ended = training.done == training.stretch.end
        if ended:
            training.end()
        if not window and (training.done % save_every == 0 or last or ended):
            began, training.seconds = _lap(began, training.seconds)
            checkpoint.save(job.checkpoint_path, training.state(job.fingerprint), job.device)


def _lap(began: float, seconds: float) -> tuple[float, float]:
    now = time.monotonic()
    return now, seconds + now - began


def _validation_steps(settings: Settings) -> set[int]:
    return {
        round(settings.steps * (k + 1) / settings.validations) for k in range(settings.validations)
    }


def update(job: Job, training: Training) -> dict[str, Tensor]:
    """One optimiser step at `training.done`; its losses and what the weighting reports, left on
    the device."""
    settings, step, stretch = job.settings, training.done, training.stretch
    factor = learning_rate_factor(stretch.schedule, step - stretch.start, stretch.steps)
    for group in training.optimizer.param_groups:
        group["lr"] = stretch.optimizer.lr * group["rate"] * factor
    losses, representation, final = _losses(job, training)
    # Of all parameters: those that a phase has frozen must not be clipped with old gradients.
    training.learner.zero_grad(set_to_none=True)
    training.weighting.zero_grad(set_to_none=True)
    penalties = training.learner.penalties(training.moment(step))
    pulls = _gradients(penalties, training.learner)
    try:
        record = training.weighting.backward(losses, representation, training.learner)
    except GradientError as error:
        _stop(job, f"the gradient of task '{error.task}' is NaN or infinite", step)
    for parameter, pull in pulls:
        parameter.grad = pull if parameter.grad is None else parameter.grad + pull
    if settings.clip_grad_norm is not None:
        nn.utils.clip_grad_norm_(training.learner.parameters(), settings.clip_grad_norm)
    training.optimizer.step()
    kept = {f"loss_{name}": loss.detach() for name, loss in losses.items()}
    kept |= {f"final_{name}": loss for name, loss in final.items()}
    return kept | {f"penalty_{name}": p.detach() for name, p in penalties.items()} | record


def _losses(job: Job, training: Training) -> tuple[dict[str, Tensor], Features, dict[str, Tensor]]:
    """The losses of a step, scaled; what a weighting may cut; losses of final predictions."""
    settings, step = job.settings, training.done
    known = job.tasks | job.auxiliary
    losses: dict[str, Tensor] = {}
    final: dict[str, Tensor] = {}
    shared: list[Tensor] = []
    phase = training.stretch.phase
    for draw in draws(job.run, settings, phase, len(job.train), job.seed, step):
        batch = job.train.decoding.augmented(job.train.batch(draw.indices), job.seed, step)
        auxiliary = [name for name in job.auxiliary if name in (phase.tasks or job.auxiliary)]
        tasks = {name: known[name] for name in (*draw.tasks, *auxiliary)}
        half = settings.precision == "bfloat16"
        with torch.autocast(job.device.type, torch.bfloat16, enabled=half):
            found = training.learner.losses(batch, tasks, training.moment(step))
        shared += found.representation
        final |= found.final
        for name, loss in found.by_task.items():
            losses[name] = job.run.loss_scale.get(name, 1.0) * loss
    return losses, shared[0] if len(shared) == 1 else tuple(shared), final


def _gradients(penalties: dict[str, Tensor], learner: Learner) -> list[tuple[nn.Parameter, Tensor]]:
    """The gradient of all penalties together, by parameter."""
    if not penalties:
        return []
    parameters = [p for p in learner.parameters() if p.requires_grad]
    total = torch.stack(list(penalties.values())).sum()
    if not total.requires_grad:  # of frozen parts alone
        return []
    found = torch.autograd.grad(total, parameters, retain_graph=True, allow_unused=True)
    return [(p, pull) for p, pull in zip(parameters, found, strict=True) if pull is not None]


def _record(job: Job, training: Training, window: list[dict[str, Tensor]]) -> dict[str, float]:
    """Check the losses of the window, add its mean to the history, return the mean losses."""
    columns = {name for record in window for name in record}
    names = sorted(name for name in columns if name.startswith(("loss_", "final_")))
    means = {}
    for name in names:
        first = training.done - len(window)
        losses = [(first + i, r[name]) for i, r in enumerate(window) if name in r]
        values = torch.stack([loss for _, loss in losses]).double().cpu()
        bad = (~values.isfinite()).nonzero()
        if len(bad):
            task, value = name.partition("_")[2], values[bad[0]].item()
            _stop(job, f"the loss of task '{task}' is {value}", losses[int(bad[0])][0])
        means[name] = values.mean().item()
    last = {k: float(v) for k, v in window[-1].items() if k not in means}
    rate = training.optimizer.param_groups[0]["lr"]
    training.history.append({"step": training.done, "lr": rate} | means | last)
    return {n.removeprefix("loss_"): mean for n, mean in means.items() if n.startswith("loss_")}


def _stop(job: Job, found: str, step: int) -> NoReturn:
    path = job.checkpoint_path
    last_good = f"the last good checkpoint is {path}" if path.exists() else "no checkpoint yet"
    raise DivergedError(
        f"{job.name}: {found} at step {step}; {last_good}. "
        "A smaller learning rate or clip_grad_norm in replication.yaml is the usual cure."
    )


def _validate(job: Job, training: Training) -> None:
    """Add the metrics on the validation split to the last row of the history."""
    metrics = evaluate(training.learner, job.tasks, job.val, job.seed)
    set_mode(training.learner)
    columns = {
        f"val_{task}_{metric}": value.value
        for task, found in metrics.items()
        for metric, value in found.items()
    }
    row: dict[str, float] = {"step": training.done}
    if training.history and training.history[-1]["step"] == training.done:
        row = training.history.pop()
    training.history.append(row | columns)
