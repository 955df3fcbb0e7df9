"""Interaction of the tasks at every scale, and the model that has it before its heads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.nets.learner import Features
from replications.core.nets.resize import bilinear
from replications.core.nets.shared_trunk import Build, SharedTrunk, seeded
from replications.mti_net.distillation import Distillation
from replications.mti_net.initial_prediction import InitialTaskPrediction
from replications.mti_net.propagation import FeaturePropagation

TaskFeatures = dict[str, Tensor]


class TaskInteraction(nn.Module):
    """Initial predictions, propagation and distillation over the scales (MTI-Net, figure 2).

    From coarse to fine each scale predicts every task from the backbone's features, together with
    what the coarser scale propagates; then every scale distils. With one scale this is PAD-Net.
    """

    def __init__(
        self,
        tasks: Mapping[str, int],
        final: Sequence[str],
        inputs: Sequence[int],
        channels: Sequence[int],
        propagation: bool,
    ) -> None:
        """Widths of predictions; tasks with a final head; channels of the backbone's maps and of
        the task features, fine to coarse; whether coarse scales propagate."""
        super().__init__()
        names = list(tasks)
        coarser = [*channels[1:], 0] if propagation else [0] * len(channels)
        self.initial = nn.ModuleList(
            InitialTaskPrediction(tasks, own + propagated, width)
            for own, propagated, width in zip(inputs, coarser, channels, strict=True)
        )
        self.propagation = nn.ModuleList(
            FeaturePropagation(names, width) for width in (channels[1:] if propagation else [])
        )
        self.distillation = nn.ModuleList(Distillation(names, final, c) for c in channels)

    def forward(self, maps: Sequence[Tensor]) -> list[TaskFeatures]:
        """Maps of the backbone to the task features of every scale, fine to coarse."""
        scales: list[TaskFeatures] = []
        coarser: TaskFeatures = {}
        for index in reversed(range(len(maps))):
            scales.insert(0, self.initial[index](maps[index], coarser))
            if self.propagation and index:
                size = (maps[index - 1].shape[-2], maps[index - 1].shape[-1])
                handed = self.propagation[index - 1](scales[0])
                coarser = {task: bilinear(feature, size) for task, feature in handed.items()}
        return scales

    def distilled(self, scales: Sequence[TaskFeatures]) -> dict[str, tuple[Tensor, ...]]:
        """The task features after distillation, of the tasks with a final head, fine to coarse."""
        found = [unit(own) for unit, own in zip(self.distillation, scales, strict=True)]
        return {task: tuple(own[task] for own in found) for task in found[0]}


class InteractingTasks(SharedTrunk):
    """A trunk, the interaction of the tasks on its maps, and a head for each final task."""

    def __init__(
        self,
        trunk: Build,
        interaction: Callable[[], TaskInteraction],
        heads: Mapping[str, Build],
        seed: int,
    ) -> None:
        super().__init__(trunk, heads, seed)
        with seeded(seed, "interaction"):
            self.interaction = interaction()

    def decode(
        self, features: Features, size: tuple[int, int], tasks: Iterable[str] | None = None
    ) -> dict[str, Tensor]:
        """The final prediction of every final task, or of those in `tasks`."""
        return self._final(self.interaction(features), size, tasks)

    def supervised(
        self, features: Features, size: tuple[int, int], tasks: Iterable[str]
    ) -> dict[str, list[Tensor]]:
        """Deep supervision: the final prediction, if the task has one, then the initial ones from
        fine to coarse, all of the image's size."""
        chosen = list(tasks)
        scales = self.interaction(features)
        final = self._final(scales, size, [task for task in chosen if task in self.heads])
        return {
            task: ([final[task]] if task in final else [])
            + [
                initial.prediction(task, own[task], size)  # type: ignore[operator]
                for initial, own in zip(self.interaction.initial, scales, strict=True)
            ]
            for task in chosen
        }

    def _final(
        self, scales: list[TaskFeatures], size: tuple[int, int], tasks: Iterable[str] | None
    ) -> dict[str, Tensor]:
        distilled = self.interaction.distilled(scales)
        chosen = self.heads if tasks is None else tasks
        return {task: self.heads[task](distilled[task], size) for task in chosen}

    def inference_parameters(self) -> list[Parameter]:
        """All but the 1x1 convolutions of the initial predictions, which only supervision needs."""
        unused = {
            id(parameter)
            for initial in self.interaction.initial
            for parameter in initial.predict.parameters()  # type: ignore[union-attr]
        }
        return [p for p in self.parameters() if id(p) not in unused]

    def shared_parameters(self) -> list[Parameter]:
        """Those of the trunk and of the interaction: through distillation every task uses them."""
        return [*self.trunk.parameters(), *self.interaction.parameters()]
