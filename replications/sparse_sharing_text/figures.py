"""The figure of this replication: how much the masks of the tasks overlap."""

from replications.sparse_sharing.figures import overlap

__all__ = ["overlap"]
