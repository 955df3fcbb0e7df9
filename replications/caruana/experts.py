"""Layers of experts, mixed by gates: MMoE, CGC and PLE."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.data.batches import USUAL, Batch, Condition
from replications.core.nets.learner import Learner, Losses, Moment
from replications.core.nets.shared_trunk import Build, seeded
from replications.core.tasks.base import Task, losses_of

ALL = "all"
"""The gate that mixes every expert of a layer, for the shared experts of the next."""


class Layer(nn.Module):
    """One layer of progressive layered extraction (Tang et al., RecSys 2020, equations 1 to 6): the
    output of task k is the sum over its experts and the shared ones of g_k,e(x) f_e(x), where the
    gate g_k is a softmax of a linear map of the task's input; that of the shared experts is mixed
    from all experts. Without experts of their own, and with one layer, that is MMoE (Ma et al., KDD
    2018, equations 5 to 7).

    The first shared expert starts from the weights of the single-task networks.
    """

    def __init__(
        self,
        expert: Callable[[], nn.Module],
        inputs: int,
        tasks: Sequence[str],
        shared: int,
        own: int,
        passes_on: bool,
        name: str,
        seed: int,
    ) -> None:
        """`passes_on`: whether another layer follows, which takes the shared output too."""
        super().__init__()

        def several(count: int, whose: str) -> nn.ModuleList:
            made = nn.ModuleList()
            for index in range(count):
                first = f"{name}/{whose}/{index}" == "0/shared/0"
                with seeded(seed, "trunk" if first else f"expert/{name}/{whose}/{index}"):
                    made.append(expert())
            return made

        self.shared = several(shared, "shared")
        self.own = nn.ModuleDict({task: several(own, task) for task in tasks})
        self.gates = nn.ModuleDict()
        for task in [*tasks, *([ALL] if passes_on else [])]:
            experts = shared + own * (len(tasks) if task == ALL else 1)
            with seeded(seed, f"gate/{name}/{task}"):
                self.gates[task] = nn.Linear(inputs, experts, bias=False)

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The input of each task, and of `ALL`, (B, D), to its output, (B, units)."""
        shared = [expert(inputs[ALL]) for expert in self.shared]
        own = {
            task: [expert(x) for expert in self.own[task].children()]
            for task, x in inputs.items()
            if task != ALL
        }
        found = {}
        for task, gate in self.gates.items():
            if task in own or task == ALL:
                every = list(itertools.chain(*own.values())) if task == ALL else own[task]
                experts = torch.stack([*shared, *every], dim=1)
                weights = gate(inputs[task]).softmax(dim=1)
                found[task] = torch.einsum("be,beu->bu", weights, experts)
        return found


class Experts(Learner):
    """Layers of experts and a head per task."""

    def __init__(
        self,
        expert: Callable[[int, int], nn.Module],
        widths: Sequence[int],
        shared: int,
        own: int,
        heads: Mapping[str, Build],
        seed: int,
    ) -> None:
        """`widths`: of the input and of the experts of every layer."""
        super().__init__()
        pairs = list(itertools.pairwise(widths))
        self.layers = nn.ModuleList(
            Layer(
                lambda i=inputs, u=units: expert(i, u),  # type: ignore[misc]
                inputs,
                list(heads),
                shared,
                own,
                passes_on=index + 1 < len(pairs),
                name=str(index),
                seed=seed,
            )
            for index, (inputs, units) in enumerate(pairs)
        )
        self.heads = nn.ModuleDict()
        for task, build in heads.items():
            with seeded(seed, f"head/{task}"):
                self.heads[task] = build()

    def decoded(self, inputs: Tensor, tasks: Iterable[str]) -> dict[str, Tensor]:
        """A prediction of each of `tasks`; the gates of a layer that another follows look at the
        experts of every task."""
        found = dict.fromkeys([*self.heads, ALL], inputs)
        for layer in self.layers:
            found = layer(found)
        return {task: self.heads[task](found[task], (0, 0)) for task in tasks}

    def losses(self, batch: Batch, tasks: Mapping[str, Task], moment: Moment) -> Losses:
        """The losses of the predictions."""
        predictions = self.decoded(batch.inputs, tasks)
        return Losses(losses_of(tasks, {t: [p] for t, p in predictions.items()}, batch.labels))

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task; no condition changes it."""
        return self.decoded(inputs, self.heads)

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the experts of all tasks, and of gates that mix for them."""
        named = self.layers.named_parameters()
        return [p for name, p in named if ".shared." in name or f".gates.{ALL}." in name]

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's own experts, gates and head."""
        named = self.layers.named_parameters()
        own = [p for name, p in named if f".own.{task}." in name or f".gates.{task}." in name]
        return [*own, *self.heads[task].parameters()]
