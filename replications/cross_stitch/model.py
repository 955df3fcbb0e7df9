"""Cross-stitch networks: trained single-task networks, joined by units behind every stage."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from replications.core.nets.columns import Columns, continued, widths
from replications.core.nets.learner import Learner
from replications.cross_stitch.options import ModelOptions
from replications.cross_stitch.units import CrossStitch


class StitchedColumns(Columns):
    """Columns with a cross-stitch unit behind every stage."""

    def __init__(self, channels: Mapping[str, int], options: ModelOptions, seed: int) -> None:
        super().__init__(channels, options, seed)
        self.units = nn.ModuleList(
            CrossStitch(len(channels), width, options.own)
            for width in (widths(options) if len(channels) > 1 else ())
        )

    def exchange(self, level: int, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Combine the features of all tasks behind a stage."""
        if not self.units:
            return features
        return dict(zip(features, self.units[level](list(features.values())), strict=True))

    def learned(self) -> dict[str, Tensor]:
        """`alpha`, (stages, K, K): what each task takes of each, the mean over channels."""
        units = [unit.alpha.detach().mean(dim=2) for unit in self.units]  # type: ignore[operator]
        return {"alpha": torch.stack(units)} if units else {}

    def shared_parameters(self) -> list[Parameter]:
        """Parameters of the units."""
        return list(self.units.parameters())


def build_model(
    channels: Mapping[str, int],
    options: ModelOptions,
    seed: int,
    needs: Mapping[str, Learner] | None = None,
) -> StitchedColumns:
    """The model for the tasks in `channels` (task: channels of its prediction); `needs`: the
    trained single-task networks that it starts from, by task."""
    model = StitchedColumns(channels, options, seed)
    continued(model, needs or {})
    return model
