"""Tagging with heads at several depths: the network of `hierarchical`, over words."""

from replications.hierarchical.model import build_model

__all__ = ["build_model"]
