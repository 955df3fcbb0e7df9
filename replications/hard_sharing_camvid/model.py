"""The network of `hard_sharing`."""

from replications.hard_sharing.model import build_model

__all__ = ["build_model"]
