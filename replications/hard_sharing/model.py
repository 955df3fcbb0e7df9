"""Hard sharing (Caruana, 1997): the first stages are of all tasks, the rest of one each."""

from __future__ import annotations

from collections.abc import Mapping

from replications.core.nets.columns import Columns, continued
from replications.core.nets.learner import Learner
from replications.hard_sharing.options import ModelOptions


def build_model(
    channels: Mapping[str, int],
    options: ModelOptions,
    seed: int,
    needs: Mapping[str, Learner] | None = None,
) -> Columns:
    """The model for the tasks in `channels` (task: channels of its prediction); `needs`: trained
    networks with which the tasks begin, and then have no stage in common."""
    model = Columns(channels, options, seed, 0 if needs else options.common)
    continued(model, needs or {})
    return model
