"""What can be set about this replication's model; free of torch."""

from replications.sparse_sharing_text.options import ModelOptions

__all__ = ["ModelOptions"]
