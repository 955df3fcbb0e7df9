"""What can be set about this replication's model; free of torch."""

from replications.hierarchical_tagging.options import ModelOptions

__all__ = ["ModelOptions"]
