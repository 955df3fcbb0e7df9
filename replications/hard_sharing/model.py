"""Hard sharing (Caruana, 1997): the first stages are of all tasks, the rest of one each."""

from __future__ import annotations

from collections.abc import Mapping

from replications.core.nets.columns import Columns
from replications.hard_sharing.options import ModelOptions


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> Columns:
    """The model for the tasks in `channels` (task: channels of its prediction)."""
    return Columns(channels, options, seed, options.common)
