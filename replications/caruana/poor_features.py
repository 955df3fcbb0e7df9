"""A feature that serves better as an extra output than as an input (Caruana and de Sa, NeurIPS
1996; Caruana, 1997): F1 = s(A + B) is learned from codes of A and B, s the logistic function, with
F2 = s(A - B) left out, given as a further input, or learned as a further output.

A and B lie between -5 and 5, each in a code of 10 bits: the binary numbers, or their Gray code, of
which a single unit has no linear view. 50 cases train a network of 16 hidden units by gradient
descent with momentum, 50 more say when to stop, 1,000 test it; all in every trial anew, and the
same for the three ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from replications.core.engine.experiment import Measured, run_experiment
from replications.core.evidence.statistics import interval
from replications.core.spec import Plan

WAYS = ("none", "input", "output")
"""What F2 serves as."""
CODES = ("binary", "gray")
BITS = 10
REACH = 5.0


@dataclass(frozen=True)
class Cases:
    """`codes` (T, N, 20) of A and B, and `f1`, `f2`, (T, N, 1), of T trials."""

    codes: Tensor
    f1: Tensor
    f2: Tensor

    def seen(self, way: str) -> Tensor:
        """What the network is given."""
        return torch.cat([self.codes, self.f2], dim=2) if way == "input" else self.codes

    def wanted(self, way: str) -> Tensor:
        """What it is to give."""
        return torch.cat([self.f1, self.f2], dim=2) if way == "output" else self.f1


def draw(trials: int, cases: int, code: str, generator: torch.Generator) -> Cases:
    """Cases of every trial, float64, in one of `CODES`."""
    levels = torch.randint(2**BITS, (trials, cases, 2), generator=generator)
    values = REACH * (2 * levels.double() / (2**BITS - 1) - 1)
    coded = levels ^ (levels >> 1) if code == "gray" else levels
    bits = (coded[..., None] >> torch.arange(BITS)) & 1
    total, difference = values.sum(2, keepdim=True), values[..., :1] - values[..., 1:]
    return Cases(bits.flatten(2).double(), total.sigmoid(), difference.sigmoid())


def initial(trials: int, inputs: int, outputs: int, hidden: int, seed: int) -> list[Tensor]:
    """Weights and biases of T networks with one hidden layer, uniform between -0.1 and 0.1; those
    that the three ways have in common start alike."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [
        (2 * BITS, hidden),
        (1, hidden),
        (hidden, 1),
        (1, 1),
        (1, hidden),
        (hidden, 1),
        (1, 1),
    ]
    parts = [
        torch.rand(trials, *s, generator=generator, dtype=torch.float64) / 5 - 0.1 for s in shapes
    ]
    first = [parts[0], parts[4]] if inputs > 2 * BITS else [parts[0]]
    last, bias = (
        ([parts[2], parts[5]], [parts[3], parts[6]]) if outputs > 1 else (parts[2:3], parts[3:4])
    )
    found = [torch.cat(first, dim=1), parts[1], torch.cat(last, dim=2), torch.cat(bias, dim=2)]
    return [weights.requires_grad_(True) for weights in found]


def output_of(weights: list[Tensor], seen: Tensor) -> Tensor:
    """(T, N, inputs) to (T, N, outputs), with logistic units."""
    first, bias, last, other = weights
    return ((seen @ first + bias).sigmoid() @ last + other).sigmoid()


def errors(options: dict[str, Any], code: str, way: str) -> Tensor:
    """Root mean squared error of F1 on the test cases of every trial, (T,), after the step at which
    it was least on the cases that say when to stop."""
    trials = options["trials"]
    generator = torch.Generator().manual_seed(options["seed"])
    train, halt, test = (draw(trials, n, code, generator) for n in options["cases"])
    seen, wanted = train.seen(way), train.wanted(way)
    sizes = (seen.shape[2], wanted.shape[2], options["hidden"])
    weights = initial(trials, *sizes, seed=options["seed"])
    optimizer = torch.optim.SGD(weights, lr=options["lr"], momentum=options["momentum"])
    best, found = torch.full((trials,), torch.inf), torch.zeros(trials, dtype=torch.float64)
    for step in range(options["steps"]):
        optimizer.zero_grad()
        # Trials do not touch each other: the sum trains each of them by its own mean.
        (output_of(weights, seen) - wanted).square().mean(1).sum().backward()
        optimizer.step()
        if step % options["every"] == 0:
            with torch.no_grad():
                now, then = (rmse(output_of(weights, c.seen(way)), c) for c in (halt, test))
            found = torch.where(now < best, then, found)
            best = torch.minimum(now, best)
    return found


def rmse(output: Tensor, cases: Cases) -> Tensor:
    """That of F1, (T,)."""
    return (output[..., :1] - cases.f1).square().mean(dim=(1, 2)).sqrt()


def numbers(table: pd.DataFrame) -> dict[str, float]:
    """Under each code: the mean error of every way, and by how much F2 as output is better than as
    input, with the 95 % interval of that over trials."""
    found: dict[str, float] = {}
    for code, own in table.groupby("code"):
        by_way = own.pivot(index="trial", columns="way", values="rmse")
        gain = by_way["input"] - by_way["output"]
        found |= {f"{code}_rmse_{way}": float(by_way[way].mean()) for way in WAYS}
        low, high = interval(gain.tolist())
        found |= {f"{code}_better": float(gain.mean()), f"{code}_low": low, f"{code}_high": high}
    return found


def measure(plan: Plan, folder: Path, device: torch.device) -> Measured:
    """All ways on the same cases."""
    options = plan.experiments["poor_features"].options
    rows = [
        {"code": code, "trial": trial, "way": way, "rmse": float(error)}
        for code in CODES
        for way in WAYS
        for trial, error in enumerate(errors(options, code, way))
    ]
    table = pd.DataFrame(rows)
    return table, numbers(table)


if __name__ == "__main__":
    run_experiment("caruana", "poor_features", measure)
