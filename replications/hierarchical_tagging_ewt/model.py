"""The network of `hierarchical_tagging`."""

from replications.hierarchical_tagging.model import build_model

__all__ = ["build_model"]
