"""The figure of this replication: which subspaces and which layers are shared."""

from replications.sluice.figures import sharing

__all__ = ["sharing"]
