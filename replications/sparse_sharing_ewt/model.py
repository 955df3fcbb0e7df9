"""The network of `sparse_sharing_text`."""

from replications.sparse_sharing_text.model import build_model

__all__ = ["build_model"]
