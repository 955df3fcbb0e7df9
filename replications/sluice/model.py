"""Sluice networks: an encoder for each task, and what they share is learned."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.nets.columns import Columns, start_apart, widths
from replications.core.nets.learner import Moment
from replications.core.nets.recurrent import BiLSTM
from replications.core.nets.shared_trunk import seeded
from replications.sluice.mixing import Layers, Subspaces, overlap
from replications.sluice.options import ModelOptions


class Sluice(Columns):
    """Columns whose subspaces are mixed behind every stage, and whose heads see all stages; of a
    single task its own."""

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__(channels, options, seed)
        if options.own is None:
            start_apart(self, options, seed)
        behind, mixed = widths(options), len(channels) * options.subspaces > 1
        self.units = nn.ModuleList(
            Subspaces(len(channels), options.subspaces, options.own)
            for _ in (behind if mixed else ())
        )
        self.mixtures = nn.ModuleDict()
        for task in channels if options.mixture else ():
            with seeded(seed, f"mixture/{task}"):
                self.mixtures[task] = Layers(behind, options.last)
        self.orthogonality = options.orthogonality if options.subspaces == 2 else 0.0

    def exchange(self, level: int, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Mix the subspaces of all tasks behind a stage."""
        if not self.units:
            return features
        return dict(zip(features, self.units[level](list(features.values())), strict=True))

    def fed(self, task: str, features: list[Tensor]) -> Tensor:
        """The mixture of all stages of a task's column, or the last."""
        if task not in self.mixtures:
            return features[-1]
        found: Tensor = self.mixtures[task](features[1:])
        return found

    def penalties(self, moment: Moment) -> dict[str, Tensor]:
        """How much the subspaces of the stages overlap; nothing where there is one."""
        if not self.orthogonality:
            return {}
        stages = [stage for column in self.columns.values() for stage in column.children()]
        kernels = [own for own in map(_kernel, stages) if own is not None]
        total = torch.stack([overlap(own) for own in kernels]).sum()
        return {"orthogonality": self.orthogonality * total}

    def learned(self) -> dict[str, Tensor]:
        """`alpha`, (stages, S K, S K): what each subspace takes of each; `beta`, (K, stages): what
        each head takes of each stage."""
        found = {}
        if self.units:
            found["alpha"] = torch.stack([unit.alpha.detach() for unit in self.units])  # type: ignore[operator]
        if self.mixtures:
            found["beta"] = torch.stack([own.beta.detach() for own in self.mixtures.values()])  # type: ignore[operator]
        return found

    def shared_parameters(self) -> list[Parameter]:
        """What says which subspaces are shared."""
        return list(self.units.parameters())

    def task_parameters(self, task: str) -> list[Parameter]:
        """Parameters of a task's column, mixture and head."""
        own = self.mixtures[task].parameters() if task in self.mixtures else ()
        return [*super().task_parameters(task), *own]


def _kernel(stage: nn.Module) -> Tensor | None:
    """The weights that make the channels of a stage's output; None of embeddings."""
    if isinstance(stage, BiLSTM):
        return stage.kernel()
    found = [m.get_parameter("weight") for n, m in stage.named_modules() if _on_main_path(n, m)]
    return found[-1] if found else None


def _on_main_path(name: str, module: nn.Module) -> bool:
    """Whether a module is a convolution, and of no shortcut."""
    return isinstance(module, nn.Conv2d) and not {"shortcut", "downsample"} & {*name.split(".")}


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> Sluice:
    """The model for the tasks in `channels` (task: channels of its prediction)."""
    return Sluice(channels, options, seed)
