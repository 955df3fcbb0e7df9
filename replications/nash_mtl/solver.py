"""The exact solver against the published procedure, on random Gram matrices and on our own.

Recorded are the residual of the bargaining equation and the time of one solve, in milliseconds of
this process on one CPU thread. The random matrices
are of gradients whose lengths are spread over orders of magnitude; our own are those of the run
`nash`, where the published procedure starts, as in training, from where it ended before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from replications.core.engine.experiment import Measured, run_experiment
from replications.core.spec import Plan
from replications.nash_mtl.weighting.bargaining import bargain, residual
from replications.nash_mtl.weighting.published import published_procedure

SATISFIED = 1e-2
"""Residual up to which the equation counts as satisfied."""
_PROBLEMS = 20
"""Convex problems the published procedure may solve for one alpha (authors' code)."""


def random_gram(tasks: int, decades: float, generator: np.random.Generator) -> Tensor:
    """Gram matrix of `tasks` random gradients of 4 `tasks` numbers each; their lengths lie, evenly
    in the logarithm, between 10^-decades and 10^decades."""
    gradients = generator.standard_normal((tasks, 4 * tasks))
    lengths = 10 ** generator.uniform(-decades, decades, tasks)
    gradients *= (lengths / np.linalg.norm(gradients, axis=1))[:, None]
    return torch.from_numpy(gradients @ gradients.T)


def recorded_grams(history: pd.DataFrame, tasks: list[str], count: int) -> list[Tensor]:
    """Up to `count` Gram matrices of a run's gradients, evenly over its recorded solves.

    The history holds the cosines C and the solution alpha; the lengths of the gradients follow,
    since beta_i = alpha_i |g_i| solves C beta = 1 / beta.
    """
    alpha = history[[f"weight_{task}" for task in tasks]].to_numpy()
    solved = np.flatnonzero((alpha > 0).all(axis=1))
    chosen = solved[np.linspace(0, len(solved) - 1, min(count, len(solved))).round().astype(int)]
    grams = []
    for row in chosen:
        cosines = torch.eye(len(tasks), dtype=torch.float64)
        for i, first in enumerate(tasks):
            for j, second in enumerate(tasks[i + 1 :], start=i + 1):
                value = float(history[f"cosine_{first}_{second}"].iloc[row])
                cosines[i, j] = cosines[j, i] = value
        lengths = bargain(cosines).alpha / torch.tensor(alpha[row])
        grams.append(cosines * lengths.outer(lengths))
    return grams


def timed_exact(gram: Tensor) -> dict[str, float]:
    """Residual and milliseconds of the exact solver."""
    began = time.process_time()
    found = bargain(gram)
    return {"ms": 1000 * (time.process_time() - began), "residual": float(found.residual)}


def timed_published(gram: Tensor, start: Tensor) -> tuple[dict[str, float], Tensor]:
    """Residual and milliseconds of the published procedure, and where it ended."""
    began = time.process_time()
    found = published_procedure(gram, start, _PROBLEMS)
    passed = 1000 * (time.process_time() - began)
    return {"ms": passed, "residual": float(residual(gram.double(), found.alpha))}, found.alpha


def on_random(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of the comparison on random matrices."""
    for tasks in options["tasks"]:
        generator = np.random.default_rng(tasks)
        grams = [random_gram(tasks, options["decades"], generator) for _ in range(options["draws"])]
        timed_exact(grams[0])
        for draw, gram in enumerate(grams):
            shared = {"matrices": "random", "tasks": tasks, "draw": draw}
            yield shared | {"procedure": "exact"} | timed_exact(gram)
        if tasks > options["published_up_to"]:
            continue
        start = torch.ones(tasks, dtype=torch.float64)
        timed_published(grams[0], start)
        for draw, gram in enumerate(grams[: options["published_draws"]]):
            shared = {"matrices": "random", "tasks": tasks, "draw": draw}
            yield shared | {"procedure": "published"} | timed_published(gram, start)[0]


def on_training(plan: Plan, histories: list[pd.DataFrame], count: int) -> Iterator[dict[str, Any]]:
    """Rows of the comparison on matrices of the run `nash`, from every seed's history."""
    tasks = plan.runs["nash"].tasks
    draw = 0
    for history in histories:
        start = torch.ones(len(tasks), dtype=torch.float64)
        for gram in recorded_grams(history, tasks, count):
            shared = {"matrices": "training", "tasks": len(tasks), "draw": draw}
            yield shared | {"procedure": "exact"} | timed_exact(gram)
            row, start = timed_published(gram, start)
            yield shared | {"procedure": "published"} | row
            draw += 1


def numbers(table: pd.DataFrame, histories: list[pd.DataFrame]) -> dict[str, float]:
    """What claims and the paper take: medians of the time, shares of solves that satisfy the
    equation in percent; and of the training of `nash`, all solves of all seeds."""
    found: dict[str, float] = {}
    for key, rows in table.groupby(["matrices", "procedure", "tasks"]):
        matrices, procedure, tasks = key
        name = procedure if matrices == "training" else f"{procedure}_{tasks}"
        found[f"{name}_ms"] = float(rows["ms"].median())
        found[f"{name}_residual"] = float(rows["residual"].max())
        found[f"{name}_satisfied"] = 100 * float((rows["residual"] <= SATISFIED).mean())
    last = [history.iloc[-1] for history in histories]
    return found | {
        "grams": float((table["matrices"] == "training").sum() / 2),
        "solves": float(sum(row["solves"] for row in last)),
        "stationary": float(sum(row["stationary_steps"] for row in last)),
        "worst_residual": float(max(row["worst_residual"] for row in last)),
    }


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """Both procedures, on random matrices and on those that the trainings of `nash` recorded."""
    options = plan.experiments["solver"].options
    histories = [
        pd.read_csv(folder / "nash" / str(seed) / "history.csv") for seed in plan.seed_numbers
    ]
    rows = [*on_random(options), *on_training(plan, histories, options["recorded"])]
    table = pd.DataFrame(rows)
    return table, numbers(table, histories)


if __name__ == "__main__":
    run_experiment("nash_mtl", "solver", measure)
