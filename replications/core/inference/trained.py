"""A trained run, from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from replications.core.data.batches import Decoding, Description, read_description
from replications.core.engine import checkpoint
from replications.core.engine.assembly import build_decoding, build_tasks, new_learner
from replications.core.errors import StudyError
from replications.core.nets.learner import Learner
from replications.core.spec import Plan, load_plan, origin
from replications.core.spec.layout import ORIGIN, run_folder
from replications.core.tasks.base import Task


@dataclass(frozen=True)
class Trained:
    """A learner with its weights, in evaluation mode, and what it takes to use it.

    Attributes:
        folder: the run folder.
        tasks: those that it predicts.
    """

    folder: Path
    plan: Plan
    run: str
    seed: int
    learner: Learner
    tasks: dict[str, Task]
    dataset: Description
    decoding: Decoding

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images that it was trained on.

        Raises:
            StudyError: it was trained on something else.
        """
        shape = self.dataset.sample.get("image")
        if shape is None:
            raise StudyError(f"{self.folder}: was trained on {self.dataset.name}, not on images")
        return shape[1], shape[2]

    @property
    def singles(self) -> dict[str, Path]:
        """The folders of the single-task runs that it is compared with, as far as they are there;
        none of a single-task run."""
        if self.plan.runs[self.run].role == "single":
            return {}
        found = {
            task: run_folder(
                self.folder.parents[1], self.plan, self.plan.single_of(task, self.run), self.seed
            )
            for task in self.tasks
        }
        return {task: folder for task, folder in found.items() if (folder / "model.pt").is_file()}


def load_trained(folder: Path, device: torch.device) -> Trained:
    """Read a run folder, `results/<study>/<replication>/<run>/<seed>`.

    Raises:
        StudyError: it is none, has no weights, was altered, or was trained with other settings than
            the specification has now; or its dataset is not prepared.
    """
    record = origin.read(folder / ORIGIN)
    if "definition" not in record:
        raise StudyError(
            f"{folder}: not a run folder; name one such as results/quick/uncertainty/uncertainty/0"
        )
    if not (folder / "model.pt").is_file():
        raise StudyError(
            f"{folder}: has no weights, which are not published; train it: "
            f"snakemake --cores all -f {folder}/metrics.json --config study={record['study']}"
        )
    origin.verified(folder, ["model.pt"])
    plan, run = load_plan(record["replication"], record["study"]), record["run"]
    if run not in plan.runs or record["origin"]["trained_with"] != plan.run_fingerprint(run):
        raise StudyError(
            f"{folder}: was trained with other settings than replication.yaml has now; "
            "train it again"
        )
    data = plan.settings_of(run).data
    dataset = read_description(Path(data.folder))
    learner = new_learner(plan, run, dataset, record["seed"], device)
    learner.load_state_dict(checkpoint.read(folder / "model.pt", device))
    built = build_tasks(plan, run, dataset)
    tasks = {name: built[name] for name in plan.runs[run].tasks}
    return Trained(
        folder=folder,
        plan=plan,
        run=run,
        seed=record["seed"],
        learner=learner.eval(),
        tasks=tasks,
        dataset=dataset,
        decoding=build_decoding(data),
    )
