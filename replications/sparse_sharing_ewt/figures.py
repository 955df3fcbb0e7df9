"""The figure of `sparse_sharing_text`."""

from replications.sparse_sharing_text.figures import overlap

__all__ = ["overlap"]
