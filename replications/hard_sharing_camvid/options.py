"""What can be set about this replication's model; free of torch."""

from replications.hard_sharing.options import ModelOptions

__all__ = ["ModelOptions"]
