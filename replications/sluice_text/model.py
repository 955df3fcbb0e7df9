"""Tagging by sluice networks: the network of `sluice`, over words."""

from replications.sluice.model import build_model

__all__ = ["build_model"]
