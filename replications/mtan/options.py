"""What can be set about this replication's model; free of torch."""

from __future__ import annotations

from replications.core.nets.registry.staged import StagedOptions


class ModelOptions(StagedOptions):
    """An encoder that all tasks share, with attention for each."""
