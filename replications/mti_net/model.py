"""The networks compared: single-task and plain multi-task, PAD-Net, and MTI-Net."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from replications.core.errors import StudyError
from replications.core.nets.registry.multiscale import MULTISCALE
from replications.core.nets.shared_trunk import SharedTrunk
from replications.mti_net.aggregation import Aggregating, AggregationHead
from replications.mti_net.interaction import InteractingTasks, TaskInteraction
from replications.mti_net.options import ModelOptions


def build_model(channels: Mapping[str, int], options: ModelOptions, seed: int) -> SharedTrunk:
    """The model for the tasks in `channels` (task: width of its prediction).

    Raises:
        StudyError: a single task is to interact.
    """
    kind = MULTISCALE[options.encoder]
    backbone = partial(kind.build, options.width, options.pyramid_channels, options.pretrained)
    maps = kind.channels(options.pyramid_channels)
    final = {task: width for task, width in channels.items() if task not in options.auxiliary}
    if options.interaction == "none":
        heads = {task: partial(AggregationHead, sum(maps), width) for task, width in final.items()}
        return SharedTrunk(backbone, heads, seed)
    if len(channels) < 2:
        raise StudyError(
            f"interaction: {options.interaction} is between tasks, but the run has only "
            f"{', '.join(channels)}; add a task or set interaction: none"
        )
    if options.interaction == "pad_net":
        width = options.pad_net_channels
        interaction = partial(
            TaskInteraction, channels, list(final), [sum(maps)], [width], propagation=False
        )
        heads = {task: partial(AggregationHead, width, outputs) for task, outputs in final.items()}
        return InteractingTasks(partial(Aggregating, backbone), interaction, heads, seed)
    interaction = partial(
        TaskInteraction, channels, list(final), maps, maps, propagation=options.propagation
    )
    heads = {task: partial(AggregationHead, sum(maps), width) for task, width in final.items()}
    return InteractingTasks(backbone, interaction, heads, seed)
