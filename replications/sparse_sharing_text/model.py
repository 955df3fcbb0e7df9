"""Tagging by subnetworks: the network of `sparse_sharing`, over words."""

from replications.sparse_sharing.model import build_model

__all__ = ["build_model"]
