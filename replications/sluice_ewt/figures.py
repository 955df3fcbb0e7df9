"""The figure of `sluice_text`."""

from replications.sluice_text.figures import sharing

__all__ = ["sharing"]
