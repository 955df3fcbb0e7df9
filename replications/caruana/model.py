"""Networks for records of people: one hidden layer that all tasks share, or experts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import Parameter

from replications.caruana.experts import Experts
from replications.caruana.options import ModelOptions
from replications.core.data.batches import USUAL, Condition
from replications.core.nets.learner import Learner
from replications.core.nets.shared_trunk import Build, SharedTrunk


class Output(nn.Module):
    """The output units of a task on what the tasks share."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.out = nn.Linear(inputs, outputs)

    def forward(self, features: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, inputs) to (B, outputs); the size of the input does not matter to it."""
        prediction: Tensor = self.out(features)
        return prediction


def hidden_layer(inputs: int, units: int) -> nn.Sequential:
    """(B, inputs) to (B, units)."""
    return nn.Sequential(nn.Linear(inputs, units), nn.ReLU())


class WithExtras(SharedTrunk):
    """A shared trunk some of whose heads only serve training."""

    def __init__(
        self, trunk: Build, heads: Mapping[str, Build], seed: int, extra: Sequence[str]
    ) -> None:
        super().__init__(trunk, heads, seed)
        self.extra = set(extra)

    def predict(self, inputs: Tensor, condition: Condition = USUAL) -> dict[str, Tensor]:
        """A prediction of every task that is measured; no condition changes it."""
        return self.decode(
            self.encode(inputs), (0, 0), [t for t in self.heads if t not in self.extra]
        )

    def inference_parameters(self) -> list[Parameter]:
        """Without the heads that only serve training."""
        extra = {id(p) for task in self.extra for p in self.task_parameters(task)}
        return [p for p in self.parameters() if id(p) not in extra]


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> Learner:
    """The model for the tasks in `channels` (task: width of its head)."""
    heads = {task: partial(Output, options.hidden, width) for task, width in channels.items()}
    if options.shared:
        layers = [options.inputs, *[options.hidden] * options.levels]
        return Experts(hidden_layer, layers, options.shared, options.own, heads, seed)
    trunk = partial(hidden_layer, options.inputs, options.hidden)
    return WithExtras(trunk, heads, seed, options.auxiliary)
