"""The network of `multinet`."""

from replications.multinet.model import build_model

__all__ = ["build_model"]
