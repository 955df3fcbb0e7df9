"""The network of `sluice_text`."""

from replications.sluice_text.model import build_model

__all__ = ["build_model"]
